//! The command line: what each command does, what it prints and its exit code. Results go to
//! stdout, everything else to stderr. This is the only module that prints.
#![allow(clippy::print_stdout, reason = "the one place that does")]

mod check;
#[cfg(feature = "simulator")]
mod demo;
mod serve;
mod sidecar;
#[cfg(feature = "simulator")]
mod simulate;
mod store;
mod token;
mod vault;

use crate::{
    auth::Role,
    config::{self, Findings, Loaded, Part},
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{
    io::{ErrorKind, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Bad arguments or a bad configuration.
const UNUSABLE: u8 = 2;

/// What is bundled, and its terms; `make licenses` writes it.
const LICENSES: &str = include_str!("../THIRD-PARTY.txt");

#[derive(Parser)]
#[command(name = "callpop", version, arg_required_else_help = true, args_conflicts_with_subcommands = true)]
#[command(about = "Telephony webhooks in, the right person's browser rings")]
struct Cli {
    /// Print which third-party software is in this program, and its terms
    #[arg(long)]
    licenses: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway
    Serve(ConfigFile),
    /// Run activation and tokens alone, beside gateways with sidecar.mode = "separate"
    Sidecar(ConfigFile),
    /// Report every problem of a configuration
    Check(ConfigFile),
    /// Mint a development JWT and print it
    Token(Token),
    /// Run a gateway and a simulated Telsmart in one process, with a page that shows both
    #[cfg(feature = "simulator")]
    Demo(demo::Options),
    /// Look after the sealed tokens, and the keys that seal them
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Look after the store of the embedded engine
    #[command(subcommand)]
    Store(StoreCommand),
    /// Play recorded calls or a call centre to a gateway, or serve two phones, MyTelsmart and a token server
    #[cfg(feature = "simulator")]
    Simulate(Box<crate::simulator::Play>),
}

#[derive(Subcommand)]
enum VaultCommand {
    /// Wrap every sealed token by the first key of the ring; the server may run
    Rewrap(ConfigFile),
    /// Open every sealed text, and check the audit log; the server may run
    Verify(ConfigFile),
    /// Mark what was put back from a backup, before the server starts on it
    Restore {
        #[command(flatten)]
        file: ConfigFile,
        /// Refresh tokens may be consumed: send none before its access token is about to end
        #[arg(long)]
        mark_suspect: bool,
    },
}

#[derive(Subcommand)]
enum StoreCommand {
    /// Read all of it and say what is damaged; the gateway may run
    Verify(ConfigFile),
    /// Keep what is whole of a damaged store; the gateway must not run
    Repair {
        #[command(flatten)]
        file: ConfigFile,
        /// What is damaged is lost: it is moved aside
        #[arg(long)]
        accept_loss: bool,
    },
    /// Copy it from the gateway that runs, into a folder that is not there yet
    Backup {
        #[command(flatten)]
        file: ConfigFile,
        dir: PathBuf,
    },
}

#[derive(Args)]
struct ConfigFile {
    /// TOML; otherwise CALLPOP_CONFIG, otherwise CALLPOP_… variables alone
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Args)]
struct Token {
    #[command(flatten)]
    file: ConfigFile,
    #[arg(long)]
    tenant: String,
    /// Several: repeat it; none, with --sub: what the directory gives that sub
    #[arg(long = "extension", required_unless_present = "sub")]
    extensions: Vec<String>,
    #[arg(long, value_enum, default_value = "agent")]
    role: RoleName,
    /// With --role supervisor: only calls of these groups of the directory, with a comma between them
    #[arg(long, value_name = "GROUP", value_delimiter = ',')]
    groups: Option<Vec<String>>,
    /// Seconds until it expires
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    ttl: u64,
    /// Otherwise dev- and the first extension
    #[arg(long)]
    sub: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleName {
    Agent,
    Supervisor,
    Service,
}

/// Runs the command that the process was called with.
pub fn run() -> ExitCode {
    // Whatever is written holds calls, or secrets.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let Cli { licenses, command } = Cli::parse();
    // Without a command there is that flag: where there is nothing at all, the arguments are refused.
    let Some(command) = command.filter(|_| !licenses) else { return print_licenses() };
    match command {
        Command::Serve(file) => with_config(&file, Part::Gateway, serve::run),
        Command::Sidecar(file) => with_config(&file, Part::Sidecar, sidecar::run),
        Command::Check(file) => {
            let report = check::check(&file.load(Part::Whole));
            print!("{}", report.text);
            ExitCode::from(report.exit_code)
        }
        #[cfg(feature = "simulator")]
        Command::Demo(options) => demo::run(&options, |line| println!("{line}")),
        Command::Vault(asked) => run_vault(asked),
        Command::Store(asked) => run_store(asked),
        #[cfg(feature = "simulator")]
        Command::Simulate(options) => simulate::run(&options, |line| println!("{line}")),
        Command::Token(request) => {
            with_config(&request.file, Part::Whole, |loaded| print_token(&request, &loaded))
        }
    }
}

/// It is long: who has read enough closes the pipe, and that is no error.
fn print_licenses() -> ExitCode {
    match std::io::stdout().write_all(LICENSES.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("callpop: {error}");
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run_vault(asked: VaultCommand) -> ExitCode {
    let (file, work) = match asked {
        VaultCommand::Rewrap(file) => (file, vault::Work::Rewrap),
        VaultCommand::Verify(file) => (file, vault::Work::Verify),
        VaultCommand::Restore { mark_suspect: false, .. } => return refuse(vault::NOT_MARKED),
        VaultCommand::Restore { file, .. } => (file, vault::Work::MarkSuspect),
    };
    with_config(&file, Part::Sidecar, |loaded| vault::run(&loaded, work, |line| println!("{line}")))
}

fn run_store(asked: StoreCommand) -> ExitCode {
    let (file, work) = match asked {
        StoreCommand::Verify(file) => (file, store::Work::Verify),
        StoreCommand::Repair { accept_loss: false, .. } => return refuse(store::NOT_ACCEPTED),
        StoreCommand::Repair { file, .. } => (file, store::Work::Repair),
        StoreCommand::Backup { file, dir } => (file, store::Work::Backup(dir)),
    };
    with_config(&file, Part::Gateway, |loaded| store::run(&loaded, &work, |line| println!("{line}")))
}

fn print_token(request: &Token, loaded: &Loaded) -> ExitCode {
    let grant = token::TokenRequest {
        tenant: request.tenant.clone(),
        extensions: request.extensions.clone(),
        role: request.role.into(),
        groups: request.groups.clone(),
        ttl: Duration::from_secs(request.ttl),
        sub: request.sub.clone(),
    };
    match token::token(&loaded.config.auth, &grant) {
        Ok(token) => {
            println!("{token}");
            ExitCode::SUCCESS
        }
        Err(error) => refuse(error),
    }
}

fn with_config(file: &ConfigFile, part: Part, run: impl FnOnce(Loaded) -> ExitCode) -> ExitCode {
    match file.load(part) {
        Ok(loaded) => run(loaded),
        Err(problems) => refuse(problems),
    }
}

/// Says what is wrong with what was asked.
fn refuse(error: impl std::fmt::Display) -> ExitCode {
    eprintln!("callpop: {error}");
    ExitCode::from(UNUSABLE)
}

impl ConfigFile {
    fn load(&self, part: Part) -> Result<Loaded, Findings> {
        config::load(&crate::source::KINDS, part, self.config.as_deref(), config::environment())
    }
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Agent => Self::Agent,
            RoleName::Supervisor => Self::Supervisor,
            RoleName::Service => Self::Service,
        }
    }
}
