//! How the network cuts a stream into reads.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A way to cut any stream.
#[derive(Debug, Clone)]
pub(crate) enum Cut {
    /// Not at all: everything in one read.
    Whole,
    /// After each so many bytes: one, if the peer drips.
    Every(usize),
    /// Here and there.
    At(Vec<Index>),
}

impl Cut {
    pub(crate) fn any() -> impl Strategy<Value = Cut> {
        prop_oneof![
            1 => Just(Cut::Whole),
            2 => (1..9_usize).prop_map(Cut::Every),
            5 => vec(any::<Index>(), 1..12).prop_map(Cut::At),
        ]
    }

    /// The pieces, none of them empty, at most `most` of them.
    pub(crate) fn pieces<'a>(&self, bytes: &'a [u8], most: usize) -> Vec<&'a [u8]> {
        let mut places: Vec<usize> = match self {
            Cut::Whole => vec![],
            Cut::Every(size) => (0..bytes.len()).step_by(*size.max(&(bytes.len() / most + 1))).collect(),
            Cut::At(places) => places.iter().map(|place| place.index(bytes.len() + 1)).collect(),
        };
        places.extend([0, bytes.len()]);
        places.sort_unstable();
        places.dedup();
        places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
    }
}

/// A payload of any length up to `most`, more often a short one, or one at which a length is spelt differently.
pub(crate) fn payload(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let borders = prop::sample::select(vec![124_usize, 125, 126, 127, 128, 4_090, 65_535, 65_536, 70_000]);
    prop_oneof![
        6 => vec(any::<u8>(), 0..20),
        1 => (borders, any::<u8>()).prop_map(|(size, seed)| {
            (0..size).map(|index| (index * 31) as u8 ^ seed).collect()
        }),
    ]
    .prop_map(move |mut bytes| {
        bytes.truncate(most);
        bytes
    })
}
