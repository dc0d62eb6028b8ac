//! Generated rollouts.
use crate::cli::SampleArgs;
use crate::settings::Environment;
/// Writes generated rollouts.
pub async fn run(
    _args: &SampleArgs,
    _environment: Environment<'_>,
    _say: impl Fn(&str),
) -> anyhow::Result<()> {
    Ok(())
}
