//! Pure functions of bytes.
pub mod close;
pub mod close_code;
pub mod frame;
pub mod mask;
pub mod utf8;
pub mod violation;

pub use close::{CloseError, CloseReason};
pub use close_code::CloseCode;
pub use frame::{FrameHeader, MAX_CONTROL_PAYLOAD, Opcode, Role};
pub use violation::Violation;
