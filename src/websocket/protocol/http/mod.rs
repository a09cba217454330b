//! How much of HTTP does a WebSocket need?
//!
//! Two heads: a WebSocket connection begins as an HTTP request and its answer, and after the blank line of each the
//! bytes are frames. So there is no body to read, no second request, no cache; but a head comes from a stranger, and
//! reading it loosely is how one program is made to see another request than the next one does. The rules are RFC
//! 9112's (the text of HTTP/1.1) and RFC 9110's (what it means).
//!
//! Read in this order: [`headers`] (a name and a value), [`head`] (the first line and the headers), [`reader`] (where
//! does the head end, while it drips in?), [`response`] (the answer when there will be no WebSocket).
//!
//! # In production
//!
//! `httparse` and hyper read all of HTTP, and fast. What is strict here is strict there too, by default or by a
//! setting.

pub mod head;
pub mod headers;
pub mod reader;
pub mod response;

pub use head::{RequestHead, ResponseHead, Version};
pub use headers::{HeadError, HeaderError, Headers};
pub use reader::HeadReader;
pub use response::{Response, status_text};
