//! How fast is socklab, beside what, and how sure is that?
//!
//! Beside a raw TCP loop with a thread for each client, which is the limit of this design, and beside tungstenite with a
//! thread for each client. Servers run on one core and the load generator on another; contenders take turns, round by round,
//! and each round gives one ratio. The table says for every line what was asked for, the median of the ratios, and what that
//! median lies between.
//!
//! Read in this order: `workload.rs` (what is measured), `load/` (how), `frames.rs`, `bytes.rs` and `link.rs` (with what
//! bytes, without a WebSocket library), `contender.rs` and `server.rs` (against whom), `meter.rs` and `statistics.rs` (what
//! a figure is worth), `asked.rs` and `report.rs` (what it is held against), `draw/` (plots, and the lesson's figures).
//!
//! # What a ratio to the raw loop means
//!
//! The raw loop gets the same bytes, masked frames, and sends the same bytes back, as the reads bring them: it need not wait
//! for a frame's end, unmask, or know what a message is. A WebSocket server's answer is four bytes shorter for each message.
//!
//! # In production
//!
//! Load comes from other machines, open-loop (at a given rate, whether or not answers come), and latencies are looked at up
//! to the 99.99th percentile. Here a client waits for its answer before it asks again.

pub mod asked;
pub mod bytes;
pub mod certificates;
pub mod contender;
pub mod deadline;
pub mod draw;
pub mod frames;
pub mod link;
pub mod load;
pub mod machine;
pub mod meter;
pub mod options;
pub mod report;
pub mod server;
pub mod serving;
pub mod statistics;
pub mod tls_link;
pub mod workload;

use asked::Round;
use contender::{Contender, Programs};
use link::Target;
use meter::Figures;
use options::Options;
use report::Measured;
use server::Server;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use workload::{Work, Workload};

/// The whole program.
pub fn main(programs: Programs) -> ExitCode {
    let done = match options::read() {
        Ok(Some(Options { draw: Some(figures), .. })) => draw::draw(&from_the_top(&figures)).map(|()| true),
        Ok(Some(options)) => measure(&programs, &options),
        Ok(None) => {
            println!("{}", options::USAGE);
            Ok(true)
        }
        Err(error) => Err(io::Error::other(format!("{error}\n\n{}", options::USAGE))),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Cargo runs a benchmark in its package's folder, and who gives a path stands one above it.
fn from_the_top(path: &Path) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("..")).join(path)
}

/// Measures what was asked for; false if a run failed.
fn measure(programs: &Programs, options: &Options) -> io::Result<bool> {
    let wanted = |name: &str| options.only.is_empty() || options.only.iter().any(|only| name.starts_with(only));
    let workloads: Vec<_> =
        workload::all(options.quick).into_iter().filter(|workload| wanted(&workload.name)).collect();
    if workloads.is_empty() {
        return Err(io::Error::other("no workload is called so: see --list"));
    }
    if options.list {
        workloads.iter().for_each(|workload| println!("{:16} {:?}", workload.name, workload.work));
        return Ok(true);
    }
    server::hold_to_core()?;
    let bench = Bench::new(programs, options)?;
    println!("{}; load average {}", machine::name(), machine::load());
    println!(
        "{} rounds of {} s for each contender, server on one core, load on another",
        options.rounds, options.seconds
    );
    let path = options.json.as_ref().map_or_else(|| bench.folder.join("latest.json"), |path| from_the_top(path));
    let mut all_went_well = true;
    let mut measured = Vec::new();
    for workload in workloads {
        let (of, went_well) = bench.rounds(workload);
        all_went_well &= went_well;
        of.print();
        measured.push(of);
        // Kept as it goes: whoever ends it early has what was measured until then.
        fs::write(&path, format!("{:#}\n", report::json(&measured, options.seconds)))?;
    }
    if options.quick {
        println!("\nIt runs. A quick run says nothing about speed.");
    } else {
        report::print_lines(&measured);
    }
    println!("\nload average {}; all figures: {}", machine::load(), path.display());
    Ok(all_went_well)
}

/// What every run needs.
struct Bench<'a> {
    programs: &'a Programs,
    options: &'a Options,
    folder: PathBuf,
    certificates: PathBuf,
}

impl<'a> Bench<'a> {
    fn new(programs: &'a Programs, options: &'a Options) -> io::Result<Bench<'a>> {
        fs::create_dir_all(programs.folder)?;
        let folder = Path::new(programs.folder).canonicalize()?;
        fs::write(folder.join("servers.log"), "")?;
        let certificates = certificates::make(&folder)?;
        Ok(Bench { programs, options, folder, certificates })
    }

    /// All rounds of one workload. Who begins changes from round to round, for the second is not always as lucky as the
    /// first: caches are warm, ports are used up, a neighbour wakes.
    fn rounds(&self, workload: Workload) -> (Measured, bool) {
        let mut went_well = true;
        let mut order = workload.contenders.clone();
        let mut rounds = Vec::new();
        for _ in 0..self.options.rounds {
            let mut round = Round::new();
            for &contender in &order {
                match self.quietest_run(&workload, contender) {
                    Ok(figures) => round.push((contender, figures)),
                    Err(error) => {
                        println!("FAILED: {} with {}: {error}", workload.name, contender.name());
                        went_well = false;
                    }
                }
            }
            order.rotate_left(1);
            rounds.push(round);
        }
        (Measured { workload, rounds }, went_well)
    }

    /// A run, and as many more as were allowed while others disturb it. Which one counts is decided by what others did, and
    /// never by its result.
    fn quietest_run(&self, workload: &Workload, contender: Contender) -> io::Result<Figures> {
        let disturbance = |figures: &Figures| figures.get("others_busy").copied().unwrap_or(0.0);
        let mut quietest = self.run(workload, contender)?;
        for _ in 0..self.options.again {
            if disturbance(&quietest) <= 0.1 {
                break;
            }
            let another = self.run(workload, contender)?;
            if disturbance(&another) < disturbance(&quietest) {
                quietest = another;
            }
        }
        Ok(quietest)
    }

    fn run(&self, workload: &Workload, contender: Contender) -> io::Result<Figures> {
        let seconds = self.options.seconds;
        match workload.work {
            Work::Alone => return load::alone::run(contender, seconds),
            Work::Costs => return load::costs::run(contender, seconds),
            _ => {}
        }
        let broadcast = matches!(workload.work, Work::Broadcast { .. });
        let certificates = workload.tls.then_some(&self.certificates);
        let command = contender.command(self.programs, broadcast, certificates);
        let mut server = Server::start(&command, &self.folder.join("servers.log"))?;
        let tls = certificates.map(|folder| tls_link::trusting(&folder.join("root.pem"))).transpose()?;
        let target = Target { address: server.address, speaks: contender.speaks(), tls };
        let figures = workload.run(&target, &server, seconds, server::run_deadline(seconds));
        server.check()?;
        figures
    }
}
