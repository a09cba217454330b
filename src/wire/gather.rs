//! How do bytes that lie in two places leave in one system call?
//!
//! A header is made a moment before it leaves, and what it announces lies elsewhere. The plain way is to copy both into one
//! piece of memory and to write that. `writev` is given a list of places instead, and the kernel gathers the bytes from
//! them while it copies them anyway. The peer sees no difference.
//!
//! There is one here: the standard library's plain write says that a vanished peer shall be an error (`MSG_NOSIGNAL`), and
//! `writev` cannot say so. By itself it would mean a signal, SIGPIPE, that ends the process. Rust ignores that signal before
//! `main` begins; in a program whose `main` is C's, somebody must.
//!
//! # In production
//!
//! The list is longer, headers and payloads of many messages, and `sendmsg` takes it with the flag.

use std::borrow::Cow;
use std::io::{self, IoSlice, Write};

/// Bytes to write: a body, and a head before it, which may be empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gather<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<'a> From<&'a [u8]> for Gather<'a> {
    fn from(body: &'a [u8]) -> Gather<'a> {
        Gather { head: &[], body }
    }
}

impl<'a> Gather<'a> {
    pub(crate) fn len(self) -> usize {
        self.head.len() + self.body.len()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// What is left when so many bytes have left: a call may take a part of either.
    pub(crate) fn after(self, count: usize) -> Gather<'a> {
        self.split(count).1
    }

    /// The first of them, at most so many.
    pub(crate) fn up_to(self, count: usize) -> Gather<'a> {
        self.split(count).0
    }

    fn split(self, count: usize) -> (Gather<'a>, Gather<'a>) {
        let of_head = count.min(self.head.len());
        let (head, rest_of_head) = self.head.split_at(of_head);
        let (body, rest_of_body) = self.body.split_at((count - of_head).min(self.body.len()));
        (Gather { head, body }, Gather { head: rest_of_head, body: rest_of_body })
    }

    /// One write: of a socket `writev` for two places, and the plain one where all lies in one.
    pub(crate) fn write_to(self, mut writer: impl Write) -> io::Result<usize> {
        if self.head.is_empty() {
            return writer.write(self.body);
        }
        writer.write_vectored(&[IoSlice::new(self.head), IoSlice::new(self.body)])
    }

    /// In one piece of memory, for whoever looks at them.
    pub(crate) fn joined(self) -> Cow<'a, [u8]> {
        if self.head.is_empty() { Cow::Borrowed(self.body) } else { Cow::Owned([self.head, self.body].concat()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system that takes so many bytes with each call.
    struct Takes(usize, Vec<u8>);

    impl Write for Takes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.write_vectored(&[IoSlice::new(bytes)])
        }

        fn write_vectored(&mut self, places: &[IoSlice<'_>]) -> io::Result<usize> {
            let all: Vec<u8> = places.iter().flat_map(|place| place.iter().copied()).collect();
            let count = all.len().min(self.0);
            self.1.extend_from_slice(&all[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn gathered_or_joined_the_same_bytes_leave_however_many_a_call_takes() {
        let (head, body) = (b"head".as_slice(), b"and a body".as_slice());
        for (head, body) in [(head, body), (&[], body), (head, &[]), (&[], &[])] {
            for most in 1..=15 {
                let (all, mut system) = (Gather { head, body }, Takes(most, Vec::new()));
                let mut rest = all;
                while !rest.is_empty() {
                    let count = rest.write_to(&mut system).unwrap();
                    assert_eq!(rest.up_to(count).joined(), &system.1[system.1.len() - count..]);
                    rest = rest.after(count);
                }
                assert_eq!(system.1, *all.joined());
                assert_eq!(system.1.len(), all.len());
            }
        }
    }

    #[test]
    fn beyond_the_end_there_is_nothing() {
        let all = Gather { head: b"he", body: b"llo" };
        assert!(all.after(5).is_empty() && all.after(9).is_empty());
        assert_eq!((all.up_to(9).len(), all.up_to(0).len()), (5, 0));
    }
}
