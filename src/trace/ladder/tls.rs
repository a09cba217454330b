//! What is said about TLS on a ladder?
//!
//! The bytes of a read or a write are drawn as they cross: encrypted. Below them stand the records that they make up, and
//! then what those held, for this side has the keys.

use super::hex::{counted, dump};
use super::rung::{Arrow, BELOW};
use super::said::{Words, name, other, target};
use crate::trace::{SecuredStep, Side, Step, TlsStep};

/// The words for a step of TLS.
pub(super) fn tls(step: &Step<'_>, tls: &TlsStep<'_>) -> Words {
    let crosses = |direction| Some(Arrow::Meaning(target(step.side, direction)));
    match tls {
        TlsStep::Record { direction, record } => {
            let words = format!("TLS record: {}, {}", record.name(), counted(u64::from(record.length)));
            Words { ours: vec![words], arrow: crosses(*direction), ..Words::default() }
        }
        TlsStep::Plaintext { direction, bytes } => {
            let mut ours = vec![format!("TLS holds: {}", counted(bytes.len() as u64))];
            ours.extend(dump(bytes).into_iter().map(|line| format!("{BELOW}{line}")));
            Words { ours, arrow: crosses(*direction), ..Words::default() }
        }
        TlsStep::Secured(secured) => Words { ours: agreed(step, secured), ..Words::default() },
    }
}

fn agreed(step: &Step<'_>, secured: &SecuredStep<'_>) -> Vec<String> {
    let peer = name(other(step.side));
    let mut ours = vec![format!("{} with {}", secured.version, secured.cipher)];
    let certificates = match secured.chain {
        0 => "no certificate".to_owned(),
        1 => "1 certificate".to_owned(),
        more => format!("{more} certificates"),
    };
    ours.push(if secured.resumed {
        format!("{BELOW}a session taken up again, in which the {peer} had shown {certificates}")
    } else {
        format!("{BELOW}a new session; the {peer} has shown {certificates}")
    });
    let name = secured.name.unwrap_or("no name");
    ours.push(match (step.side, secured.verified) {
        (Side::Client, true) => format!("{BELOW}verified: it is {name}"),
        (Side::Client, false) => format!("{BELOW}NOT verified: whoever it is, it need not be {name}"),
        // To a server the name is only what the client asked for.
        (Side::Server, verified) => {
            format!(
                "{BELOW}the client asked for {name} and {}",
                if verified { "is verified" } else { "has not proved who it is" }
            )
        }
    });
    if let Some(protocol) = secured.protocol {
        ours.push(format!("{BELOW}above it: {protocol} (ALPN)"));
    }
    ours
}
