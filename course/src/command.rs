//! What can be asked of the runner?

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::catalogue;
use crate::units::Unit;

mod check;
mod doctor;
mod grade;
mod hint;
mod list;
mod room;
mod start;
mod subject;
mod watch;

#[derive(Parser)]
#[command(
    name = "cargo lab",
    bin_name = "cargo lab",
    about = "Checks a program that uses sockets, and names the mistake."
)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show the units, and what was passed
    List,
    /// Write a unit's starter into a folder of its own
    Start {
        unit: u8,
        /// Instead of labs/04-line-chat
        #[arg(long)]
        into: Option<PathBuf>,
        /// rust, python or c, where the unit has it
        #[arg(long, default_value = "rust")]
        language: String,
    },
    /// Check a program, until the first probe that fails
    Check(Subject),
    /// Check again whenever a file of the folder is saved
    Watch(Subject),
    /// The next hint for the diagnosis of the last check
    Hint { unit: u8 },
    /// Put every question of the units, and count the points
    Grade {
        /// All that were started, when none is named
        units: Vec<u8>,
        #[command(flatten)]
        how: How,
        /// A program of any language, for one unit
        #[arg(last = true)]
        program: Vec<OsString>,
    },
    /// Say what is missing on this machine
    Doctor,
    /// Prepare a folder with everything in it, for machines without a network
    Room { folder: PathBuf },
}

/// Which program of which unit.
#[derive(Args, Clone)]
struct Subject {
    unit: u8,
    #[command(flatten)]
    how: How,
    /// The student's folder, instead of the one that `start` wrote
    #[arg(long)]
    folder: Option<PathBuf>,
    /// No colour and no progress; ports and times are replaced, so that two runs with one seed read the same
    #[arg(long)]
    plain: bool,
    /// A program of any language, instead of the folder; {port} is where its port goes. Or one file: server.rs, server.c,
    /// server.py, or of the unit itself: solution.rs, wrong/SLUG
    #[arg(last = true)]
    program: Vec<OsString>,
}

#[derive(Args, Clone)]
struct How {
    /// Play this run again
    #[arg(long)]
    seed: Option<u64>,
    /// Write the results as JSON
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Write the results as JUnit's XML
    #[arg(long, value_name = "PATH")]
    junit: Option<PathBuf>,
    /// Write the results as Gradescope's results.json
    #[arg(long, value_name = "PATH")]
    gradescope: Option<PathBuf>,
}

/// What a command could not do, for the person who asked for it.
pub(crate) type Problem = Box<dyn std::error::Error>;

/// Runs the command line. 0: passed; 1: not passed; 2: the question itself was wrong.
pub fn main() -> ExitCode {
    let command = Line::parse().command;
    let result = at_home().and_then(|()| run(command));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("cargo lab: {problem}");
            ExitCode::from(2)
        }
    }
}

/// A runner of one checkout does not serve another: its probes are those that it was built with.
fn at_home() -> Result<(), Problem> {
    match catalogue::of_another_checkout() {
        None => Ok(()),
        Some(here) => Err(format!(
            "this runner was built for another checkout, {}, and you are in the one of {}. Either this one was \
             copied with its target directory: `cargo clean -p lab` here. Or two share one (CARGO_TARGET_DIR?): better give \
             each its own",
            catalogue::course().display(),
            here.display()
        )
        .into()),
    }
}

fn run(command: Command) -> Result<bool, Problem> {
    match command {
        Command::List => list::run(),
        Command::Start { unit, into, language } => start::run(unit, into, &language),
        Command::Check(subject) => check::run(&subject),
        Command::Watch(subject) => watch::run(&subject),
        Command::Hint { unit } => hint::run(unit),
        Command::Grade { units, how, program } => grade::run(&units, &how, &program),
        Command::Doctor => doctor::run(),
        Command::Room { folder } => room::run(&folder),
    }
}

pub(crate) fn unit(number: u8) -> Result<&'static Unit, Problem> {
    Unit::find(number)
        .ok_or_else(|| format!("there is no unit {number}: `cargo lab list` shows those there are").into())
}

impl How {
    fn seed(&self) -> u64 {
        // Six digits are enough to differ, and short enough to be read out across a room.
        self.seed.unwrap_or_else(|| fastrand::u64(100_000..1_000_000))
    }

    /// Writes the results in each form that was asked for.
    fn write(&self, reports: &[crate::report::Report]) -> Result<(), Problem> {
        use crate::output::{gradescope, json, junit};
        let write = |path: &PathBuf, text: String| {
            std::fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
        };
        if let Some(path) = &self.json {
            write(path, json::text(reports))?;
        }
        if let Some(path) = &self.junit {
            write(path, junit::text(reports)?)?;
        }
        if let Some(path) = &self.gradescope {
            write(path, gradescope::text(reports))?;
        }
        Ok(())
    }
}
