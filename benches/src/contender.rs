//! Who is measured, and how is each one started?

use std::path::PathBuf;

/// The server programs, as Cargo built them, and where results go.
pub struct Programs {
    pub echo: &'static str,
    pub broadcast: &'static str,
    pub raw: &'static str,
    pub tungstenite: &'static str,
    pub folder: &'static str,
}

/// What a server understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    Raw,
    WebSocket,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contender {
    /// `ws_echo_server`, or for broadcasts a server of the same library.
    Socklab,
    /// A thread for each client that writes back what it reads; for broadcasts, to everybody.
    Raw,
    Tungstenite,
    /// With 4 KiB to read into.
    TungsteniteSmall,
    /// Not servers: what is measured alone.
    Memcpy,
    Mask,
    Utf8Ascii,
    Utf8Mixed,
    /// Not servers either: what the system does for every server.
    SystemCall,
    SendReceive,
    OtherThread,
    Thread,
}

impl Contender {
    pub fn name(self) -> &'static str {
        match self {
            Contender::Socklab => "socklab",
            Contender::Raw => "raw",
            Contender::Tungstenite => "tungstenite",
            Contender::TungsteniteSmall => "tungstenite-small",
            Contender::Memcpy => "memcpy",
            Contender::Mask => "mask",
            Contender::Utf8Ascii => "utf8-ascii",
            Contender::Utf8Mixed => "utf8-mixed",
            Contender::SystemCall => "system-call",
            Contender::SendReceive => "send-receive",
            Contender::OtherThread => "other-thread",
            Contender::Thread => "thread",
        }
    }

    pub fn speaks(self) -> Speaks {
        if self == Contender::Raw { Speaks::Raw } else { Speaks::WebSocket }
    }

    /// The command of its server.
    pub fn command(self, programs: &Programs, broadcast: bool, tls: Option<&PathBuf>) -> Vec<String> {
        let mut command: Vec<&str> = match self {
            Contender::Socklab if broadcast => vec![programs.broadcast],
            // Its own limit is 1,024, which is a limit of the example and not of what is measured.
            Contender::Socklab => vec![programs.echo, "--listen", "127.0.0.1:0", "--clients", "20000"],
            Contender::TungsteniteSmall => vec![programs.tungstenite, "--small-buffer"],
            Contender::Tungstenite if broadcast => vec![programs.tungstenite, "--broadcast"],
            Contender::Tungstenite => vec![programs.tungstenite],
            Contender::Raw if broadcast => vec![programs.raw, "--broadcast"],
            _ => vec![programs.raw],
        };
        let folder = tls.map(|folder| folder.to_string_lossy().into_owned());
        if let Some(folder) = &folder {
            command.extend(["--tls", folder]);
        }
        command.into_iter().map(str::to_owned).collect()
    }
}
