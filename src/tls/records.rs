//! What does somebody see who only listens?
//!
//! Records: five bytes that say what kind it is and how long, in the clear, and behind them what only the two sides can read
//! (RFC 8446 section 5.1). So who listens learns who talks to whom, when, and how much. The trace shows exactly that.
//!
//! # In production
//!
//! Wireshark does the same for what crossed the wire, and with the keys (`SSLKEYLOGFILE`) opens the records.

use crate::trace::{Direction, RecordStep, TlsStep, Tracer};

/// Follows the records in one direction, however the stream is cut.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// The header of the next record, as far as it has come, and the first byte behind it.
    begun: Vec<u8>,
    /// What is left of the record whose header was told.
    rest: usize,
    /// From here on even handshake records are encrypted.
    ciphers_changed: bool,
}

/// Type, version, length.
const HEADER: usize = 5;
const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;

impl Records {
    /// These bytes cross. Tells each record whose header is complete with them.
    pub(super) fn cross(&mut self, mut bytes: &[u8], direction: Direction, tracer: &Tracer) {
        if !tracer.is_on() {
            return;
        }
        while !bytes.is_empty() {
            let skipped = self.rest.min(bytes.len());
            self.rest -= skipped;
            bytes = &bytes[skipped..];
            let wanted = (HEADER + 1 - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            // An empty record has no first byte. Nobody needs one, and so somebody will send it.
            if let &[content_type, major, minor, 0, 0, next] = &self.begun[..] {
                let version = u16::from_be_bytes([major, minor]);
                let record = RecordStep { content_type, version, length: 0, handshake: None };
                tracer.tls(TlsStep::Record { direction, record });
                self.begun = vec![next];
            } else if let &[content_type, major, minor, high, low, first] = &self.begun[..] {
                let (version, length) = (u16::from_be_bytes([major, minor]), u16::from_be_bytes([high, low]));
                let handshake = (content_type == HANDSHAKE && !self.ciphers_changed).then_some(first);
                self.ciphers_changed |= content_type == CHANGE_CIPHER_SPEC;
                self.rest = usize::from(length).saturating_sub(1);
                self.begun.clear();
                let record = RecordStep { content_type, version, length, handshake };
                tracer.tls(TlsStep::Record { direction, record });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Action, Observer, Side, Step, Trace};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<RecordStep>>>);

    impl Observer for Told {
        fn observe(&self, step: &Step<'_>) {
            if let Action::Tls(TlsStep::Record { record, .. }) = step.action {
                self.0.lock().unwrap().push(record);
            }
        }
    }

    #[test]
    fn records_are_told_however_they_are_cut_and_however_empty_they_are() {
        let record = |content_type, length, handshake| RecordStep { content_type, version: 0x0303, length, handshake };
        let bytes = [
            &[22, 3, 3, 0, 3, 1, 9, 9][..],
            &[23, 3, 3, 0, 0],
            &[20, 3, 3, 0, 1, 1],
            &[22, 3, 3, 0, 2, 1, 9],
            &[21, 3, 3, 0, 0],
            &[21, 3, 3, 0, 2, 1, 0],
        ]
        .concat();
        let expected = [
            record(22, 3, Some(1)),
            record(23, 0, None),
            record(20, 1, None),
            record(22, 2, None),
            record(21, 0, None),
            record(21, 2, None),
        ];
        for size in 1..=bytes.len() {
            let told = Told::default();
            let tracer = Tracer::new(&Trace::to(told.clone()), Side::Client);
            let mut records = Records::default();
            bytes.chunks(size).for_each(|piece| records.cross(piece, Direction::In, &tracer));
            assert_eq!(*told.0.lock().unwrap(), expected, "in pieces of {size}");
        }
    }
}
