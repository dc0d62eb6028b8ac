//! Money as an exact decimal, so that sums of a million calls do not drift.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of US dollars, counted in units of 10⁻¹² dollars.
///
/// The column type in ClickHouse is `Decimal(18, 12)`: at most about nine million dollars for one item.
///
/// ```
/// use caribou_model::Cost;
///
/// assert_eq!(Cost::from_usd(0.002), Some(Cost::from_pico_usd(2_000_000_000)));
/// assert_eq!(Cost::from_usd(f64::NAN), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(i64);

const PICO_PER_USD: f64 = 1e12;

impl Cost {
    /// The largest amount that the column can hold.
    pub const MAX: Self = Self(999_999_999_999_999_999);

    /// Rounds an amount of dollars to the nearest unit; `None` where it is not finite, clamped to [`Cost::MAX`].
    pub fn from_usd(usd: f64) -> Option<Self> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "clamped to the range of the column just after"
        )]
        let pico = usd
            .is_finite()
            .then(|| (usd * PICO_PER_USD).round() as i64)?;
        Some(Self(pico.clamp(-Self::MAX.0, Self::MAX.0)))
    }

    /// The amount as it stands in the column.
    pub const fn from_pico_usd(pico: i64) -> Self {
        Self(pico)
    }

    /// The amount in units of 10⁻¹² dollars.
    pub const fn pico_usd(self) -> i64 {
        self.0
    }

    /// The amount in dollars, as near as a float comes.
    pub fn usd(self) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "shown to people and to JSON, never summed"
        )]
        let usd = self.0 as f64 / PICO_PER_USD;
        usd
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for Cost {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = f64::deserialize(deserializer)?;
        Self::from_usd(usd)
            .ok_or_else(|| serde::de::Error::custom("a cost must be a finite number of dollars"))
    }
}
