//! The `kestrel` command.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use kestrel::cli::{Cli, Command, ServeArgs};
use kestrel::settings::{ClickHouseSettings, Settings};
use kestrel::{env, openapi, sample, serve, spool};
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be done about a closed stderr.
            drop(writeln!(std::io::stderr(), "kestrel: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    if matches!(command, Command::EngineChild) {
        kestrel_engine::run_child();
    }
    start_log();
    match command {
        Command::Serve(args) => serve_command(&args)?,
        Command::Migrate => migrate_command()?,
        Command::Openapi => say(format_args!("{}", openapi::document_json().trim_end()))?,
        Command::Sample(args) => {
            runtime()?.block_on(sample::run(&args, &environment, say_progress))?;
        }
        Command::Spool(command) => {
            if !spool::run(&command, &environment, &say_progress)? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::EngineChild => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn say(line: std::fmt::Arguments<'_>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")
        .and_then(|()| stdout.flush())
        .context("cannot write to standard output")
}

fn say_progress(line: &str) {
    // Progress that nobody can see is not worth stopping for.
    drop(say(format_args!("{line}")));
}

fn start_log() {
    let filter = environment(env::KESTREL_LOG).unwrap_or_else(|| "warn".to_owned());
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(EnvFilter::new(filter))
        .init();
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

fn serve_command(args: &ServeArgs) -> anyhow::Result<()> {
    let settings = Settings::resolve(args, &environment)?;
    kestrel::limits::raise_open_files();
    let runtime = runtime()?;
    let result = runtime.block_on(async {
        let stop = CancellationToken::new();
        let signalled = stop_on_signal(stop.clone())?;
        let served = serve::serve(settings, stop, |ready| {
            if let Err(error) = say(format_args!("{ready}")) {
                tracing::warn!("{error:#}");
            }
        });
        // A signal during a long start ends it: nothing has been acknowledged yet.
        let result = served.await;
        signalled.abort();
        result
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

fn stop_on_signal(stop: CancellationToken) -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    }))
}

fn migrate_command() -> anyhow::Result<()> {
    let settings = ClickHouseSettings::resolve(&environment).with_context(|| {
        format!(
            "{} is not set; it names the server to migrate (the embedded engine is migrated by `kestrel serve`)",
            env::CLICKHOUSE_URL
        )
    })?;
    runtime()?.block_on(serve::migrate(&settings))?;
    say(format_args!(
        "the tables of database {} are up to date",
        settings.database
    ))
}
