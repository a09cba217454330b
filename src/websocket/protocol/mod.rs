//! Pure functions of bytes.
mod buffer;
pub mod close;
pub mod close_code;
pub mod frame;
pub mod incoming;
pub mod mask;
pub mod mask_keys;
pub mod message;
pub mod outgoing;
pub mod state;
pub mod utf8;
pub mod violation;

pub use close::{CloseError, CloseReason};
pub use close_code::CloseCode;
pub use frame::{FrameHeader, MAX_CONTROL_PAYLOAD, Opcode, Role};
pub use incoming::{Event, Incoming};
pub use mask_keys::{MaskKeys, NoRandomness};
pub use message::MessageKind;
pub use outgoing::{Outgoing, SendError, see_frames};
pub use state::{State, answer, answer_violation};
pub use violation::Violation;
