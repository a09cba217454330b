//! What is drawn of a step, and which of the two sides does it concern?

use super::rung::Arrow;
use crate::trace::{Direction, Side};

/// What is drawn of one step.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) ours: Vec<String>,
    pub(super) theirs: Option<String>,
    pub(super) arrow: Option<Arrow>,
}

/// The side that a message goes to.
pub(super) fn target(side: Side, direction: Direction) -> Side {
    match direction {
        Direction::In => side,
        Direction::Out => other(side),
    }
}

pub(super) fn other(side: Side) -> Side {
    match side {
        Side::Client => Side::Server,
        Side::Server => Side::Client,
    }
}

pub(super) fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}
