//! Which questions belong to which unit?
//!
//! One file for each unit, and this table. The order of a unit's probes is the order of the diagnosis.
//!
//! # In production
//!
//! Tests are found by a build tool. A table that one can read is worth more here.

use crate::catalogue;
use crate::probe::Probe;
use std::path::PathBuf;

mod unit_01;
mod unit_02;
mod unit_03;
mod unit_04;
mod unit_05;
mod unit_06;
mod unit_07;
mod unit_08;
mod unit_09;
mod unit_10;

/// What the student's program is. A client is checked by a server of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Server,
    Client,
}

pub struct Unit {
    pub number: u8,
    /// The second half of its folder's name, and the name of the student's package: `line-chat`.
    pub name: &'static str,
    pub title: &'static str,
    pub role: Role,
    pub probes: &'static [Probe],
    /// Read after the pass: what to look at next, by file and item of `src/`.
    pub next: &'static [&'static str],
}

/// In the order of the course.
pub const UNITS: &[Unit] = &[
    unit_01::UNIT,
    unit_02::UNIT,
    unit_03::UNIT,
    unit_04::UNIT,
    unit_05::UNIT,
    unit_06::UNIT,
    unit_07::UNIT,
    unit_08::UNIT,
    unit_09::UNIT,
    unit_10::UNIT,
];

impl Unit {
    /// The unit of this number, if there is one.
    pub fn find(number: u8) -> Option<&'static Self> {
        UNITS.iter().find(|unit| unit.number == number)
    }

    /// `04-line-chat`.
    pub fn label(&self) -> String {
        format!("{:02}-{}", self.number, self.name)
    }

    pub fn folder(&self) -> PathBuf {
        catalogue::course().join("units").join(self.label())
    }

    pub fn points(&self) -> u32 {
        self.probes.iter().map(|probe| probe.points).sum()
    }
}
