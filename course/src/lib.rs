//! What does a program that checks other people's servers have to know about sockets?
//!
//! That a network delivers bytes when it likes and in the pieces that it likes, and that a program which works on one
//! machine, with one client that sends whole lines, may only have been lucky. The runner takes the luck away: it talks to
//! a student's program, in any language, as the worst allowed network would, and says which mistake it met.
//!
//! # Reading order
//!
//! | file | question |
//! |---|---|
//! | [`catalogue`] | which mistakes are there, and what does one say about each? |
//! | [`transcript`] | what crossed the wire, and how is it drawn? |
//! | [`system`] | what can be seen of a program from outside? |
//! | [`program`] | how is somebody else's program run, and ended for certain? |
//! | [`vigil`] | how long does one wait for something that may never come? |
//! | [`adversary`] | how does one make a network behave badly on purpose, and twice the same? |
//! | [`peer`] | what does one connection say, and what ought to come back? |
//! | [`stage`] | what does one probe have at its disposal? |
//! | [`probe`] | what is one question that is put to a program? |
//! | [`units`] | which questions belong to which unit? |
//! | [`run`] | in which order are they put, and what is the diagnosis? |
//! | [`report`] | what is known afterwards? |
//! | [`output`] | how is it told to a person, a build server, Gradescope? |
//! | [`holes`] | how does a solution become a starter? |
//! | [`snippet`] | how does a text show a part of a program? |
//! | [`source`] | how does one file of source become a program? |
//! | [`progress`] | what was passed, and what was hinted? |
//! | [`command`] | what can be asked of the runner? |
//!
//! # In production
//!
//! A test of a protocol goes through a network that is really bad (`tc netem` on Linux, toxiproxy), and a fuzzer chooses
//! the bytes. What is done here by hand and by seed is what makes a diagnosis possible: one thing is varied at a time.

#![forbid(unsafe_code)]

pub mod adversary;
pub mod catalogue;
pub mod command;
pub mod holes;
pub mod output;
pub mod peer;
pub mod probe;
pub mod program;
pub mod progress;
pub mod report;
pub mod run;
pub mod snippet;
pub mod source;
pub mod stage;
pub mod system;
pub mod transcript;
pub mod units;
pub mod vigil;
