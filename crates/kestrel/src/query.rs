//! What a URL says: ids in its path, and its query string, read strictly: an unknown parameter is a mistake that would
//! otherwise look like an empty filter.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};

/// The query string as `T`; its parameters are those that the OpenAPI document lists for `T`.
///
/// Repeated parameters fill a `Vec`. An unknown one is refused with the nearest known name, an empty one counts as
/// not given.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StrictQuery<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for StrictQuery<T>
where
    T: IntoParams + DeserializeOwned,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Two sets of parameters of one query string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StrictQueries<A, B>(pub(crate) A, pub(crate) B);

impl<A, B, S> FromRequestParts<S> for StrictQueries<A, B>
where
    A: IntoParams + DeserializeOwned,
    B: IntoParams + DeserializeOwned,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        let known = [names::<A>(), names::<B>()].concat();
        let given = given(query, &known)?;
        Ok(Self(read(&given)?, read(&given)?))
    }
}

/// The one parameter of a path.
#[derive(Clone, Debug)]
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Path(text) = Path::from_request_parts(parts, state)
            .await
            .map_err(|_not_utf8| {
                ApiError::new(
                    ErrorCode::InvalidParameter,
                    "the path is not UTF-8 once its % escapes are decoded",
                )
            })?;
        Ok(Self(text))
    }
}

fn parse<T: IntoParams + DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    read(&given(query, &names::<T>())?)
}

fn names<T: IntoParams>() -> Vec<String> {
    let parameters = T::into_params(|| None).into_iter();
    parameters.map(|parameter| parameter.name).collect()
}

/// The query string without its empty parameters.
fn given(query: &str, known: &[String]) -> Result<String, ApiError> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(query).map_err(|error| {
        ApiError::new(
            ErrorCode::InvalidParameter,
            format!("cannot read the query string: {error}"),
        )
    })?;
    if let Some((unknown, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) {
        return Err(unknown_parameter(unknown, known));
    }
    let given: Vec<_> = pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    serde_html_form::to_string(&given).map_err(ApiError::internal)
}

fn read<T: DeserializeOwned>(given: &str) -> Result<T, ApiError> {
    serde_html_form::from_str(given).map_err(|error| {
        let message = match unreadable::<T>(given) {
            Some((name, value)) => format!("cannot read {name}={value:?}: {error}"),
            None => match repeated::<T>(given) {
                Some(name) => format!("{name} is given several times; give it once"),
                None => format!("cannot read the query string: {error}"),
            },
        };
        ApiError::new(ErrorCode::InvalidParameter, message)
    })
}

/// The parameter that cannot be read; the decoder does not tell, so each is tried alone.
fn unreadable<T: DeserializeOwned>(given: &str) -> Option<(String, String)> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(given).ok()?;
    pairs.into_iter().find(|pair| {
        serde_html_form::to_string([pair])
            .is_ok_and(|alone| serde_html_form::from_str::<T>(&alone).is_err())
    })
}

/// The parameter that cannot be read because it takes one value and is given several.
fn repeated<T: DeserializeOwned>(given: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_html_form::from_str(given).ok()?;
    let mut names: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let is_refused = |name: &&String| {
        let of_name: Vec<_> = pairs.iter().filter(|(of, _)| of == *name).collect();
        serde_html_form::to_string(&of_name)
            .is_ok_and(|alone| serde_html_form::from_str::<T>(&alone).is_err())
    };
    names.into_iter().find(is_refused).cloned()
}

fn unknown_parameter(unknown: &str, known: &[String]) -> ApiError {
    let message = match nearest(unknown, known) {
        Some(nearest) => format!("unknown parameter {unknown:?}; did you mean {nearest:?}?"),
        None => format!("unknown parameter {unknown:?}; this route takes no parameters"),
    };
    ApiError::new(ErrorCode::UnknownParameter, message)
}

fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    // A name of thousands of characters is near to nothing; comparing it whole would only cost time.
    let name: String = name.chars().take(64).collect();
    known
        .iter()
        .min_by_key(|candidate| distance(&name, candidate))
}

/// Levenshtein's distance, in one row of the table.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (row_index, left_char) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = row_index + 1;
        for (index, right_char) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(left_char != *right_char);
            diagonal = row[index + 1];
            row[index + 1] = replaced.min(row[index] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, IntoParams, PartialEq)]
    #[serde(default)]
    #[derive(Default)]
    struct Example {
        status: Vec<String>,
        limit: Option<u32>,
    }

    #[test]
    fn repeated_parameters_fill_a_list_and_empty_ones_are_not_given() {
        let example: Example = parse("status=a&status=b&limit=").unwrap();
        assert_eq!(
            example,
            Example {
                status: vec!["a".to_owned(), "b".to_owned()],
                limit: None
            }
        );
    }

    #[test]
    fn a_parameter_that_takes_one_value_is_refused_by_name_when_it_is_given_twice() {
        let error = parse::<Example>("status=a&status=b&limit=1&limit=2").unwrap_err();
        assert_eq!(error.message, "limit is given several times; give it once");
    }

    #[test]
    fn an_unknown_parameter_is_refused_with_the_nearest_known_one() {
        let error = parse::<Example>("statsu=a").unwrap_err();
        assert_eq!(
            error.message,
            "unknown parameter \"statsu\"; did you mean \"status\"?"
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_is_refused() {
        let error = parse::<Example>("limit=many").unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(
            error.message.starts_with("cannot read limit=\"many\": "),
            "{}",
            error.message
        );
    }
}
