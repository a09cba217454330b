//! Memory follows the bytes that came, never the length that they announce. A program of its own, with one test: what
//! it measures is all memory of this process.

use peak_alloc::PeakAlloc;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use socklab::websocket::protocol::{FrameHeader, Incoming, Opcode, Role};
use socklab::{ByteOrder, Framing, LengthWidth, Received, Settings, SimpleServer};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// How many bytes more than before `work` needed at its worst moment.
fn peak_of(work: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    work();
    MEMORY.peak_usage().saturating_sub(before)
}

/// What a conversation costs that has said little, and for each byte that came: a buffer grows to four times what it
/// holds, and while it does, old and new exist side by side.
fn allowed(came: usize) -> usize {
    300 * 1024 + 10 * came
}

/// Frames that announce anything, with little or nothing behind them.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..100_u64, 100_000..10_000_000_u64, 0..=(u64::MAX >> 1), Just(u64::MAX)];
    let frame = (prop::sample::select(vec![0_u8, 1, 2, 9]), any::<bool>(), length, vec(any::<u8>(), 0..2_000));
    vec(frame, 1..10).prop_map(|frames| {
        let mut wire = vec![];
        for (bits, fin, length, payload) in frames {
            FrameHeader { fin, mask: Some([0; 4]), ..FrameHeader::new(Opcode::from_bits(bits), length) }
                .encode(&mut wire);
            wire.extend(&payload[..payload.len().min(usize::try_from(length).unwrap_or(usize::MAX))]);
        }
        wire
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_announcement_costs_memory(
        wire in hostile(),
        limit in prop::sample::select(vec![1_000, 16 << 20, usize::MAX]),
        announced in any::<[u8; 8]>(),
    ) {
        let peak = peak_of(|| {
            let mut incoming = Incoming::new(Role::Server, limit);
            for piece in wire.chunks(700) {
                incoming.push(piece);
                while let Ok(Some(_)) = incoming.next(&mut |_, _| {}) {}
                incoming.space();
            }
        });
        prop_assert!(peak <= allowed(wire.len()), "{} bytes for {} that came", peak, wire.len());

        // The same of the framings that announce a length, over a connection.
        let binary = Framing::BinaryLength { width: LengthWidth::Eight, order: ByteOrder::BigEndian };
        let digits = format!("{}\r\n", u64::from_be_bytes(announced));
        for (framing, mark) in [(binary, &announced[..]), (Framing::DecimalLength, digits.as_bytes())] {
            let settings = Settings { framing, max_message: limit, ..Settings::default() };
            let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
            let mut peer = TcpStream::connect(server.local_address()).unwrap();
            let mut connection = server.accept().unwrap();
            let bytes = [mark, &wire].concat();
            peer.write_all(&bytes).unwrap();
            let peak = peak_of(|| while let Ok(Received::Message(_)) = connection.receive_within(Duration::ZERO) {});
            prop_assert!(peak <= allowed(bytes.len()), "{} bytes for {} that came", peak, bytes.len());
        }
    }
}
