//! How fast is socklab? `cargo bench` says it; `cargo bench -- --help` says what else it can be asked.

use benchmarks::contender::Programs;

fn main() -> std::process::ExitCode {
    benchmarks::main(Programs {
        echo: env!("CARGO_BIN_EXE_ws_echo_server"),
        broadcast: env!("CARGO_BIN_EXE_broadcast_server"),
        raw: env!("CARGO_BIN_EXE_raw_server"),
        tungstenite: env!("CARGO_BIN_EXE_tungstenite_server"),
        folder: concat!(env!("CARGO_TARGET_TMPDIR"), "/../bench"),
    })
}
