//! `cargo book`: makes the course's book and its slides.
//!
//!     cargo book
//!     cargo book refresh

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => book::publish::publish().map(|made| {
            println!("The book:     {}", made.join("index.html").display());
            println!("For printing: {}", made.join("print.html").display());
            println!("The slides:   {}", made.join("slides").display());
        }),
        ["refresh"] => book::outputs::refresh().map(|changed| {
            for file in &changed {
                println!("changed: {file}");
            }
            println!("{} of the texts had drifted.", changed.len());
        }),
        _ => Err("cargo book, or cargo book refresh".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("cargo book: {problem}");
            ExitCode::FAILURE
        }
    }
}
