//! What is reported on as one: a pack, a chart.

use crate::sources::profile::Pack;

/// The number of a pack or chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit(pub(crate) usize);

/// The number of what belongs to no pack or chart.
pub(crate) const LOOSE: usize = usize::MAX;

/// What is known of a pack or chart besides its images.
#[derive(Debug, Default, Clone)]
pub(crate) struct UnitFacts {
    /// `pack demo`, `chart demo`.
    pub(crate) object: String,
    /// It has, or ought to have, a list of its images.
    pub(crate) declares: bool,
    /// It has objects that show the use of images.
    pub(crate) shows_use: bool,
    /// It has charts.
    pub(crate) has_charts: bool,
    /// All its charts were rendered, here or before.
    pub(crate) is_rendered: bool,
}

impl UnitFacts {
    /// Whether what it doesn't show isn't used.
    pub(crate) fn shows_all_use(&self) -> bool {
        self.shows_use && (!self.has_charts || self.is_rendered)
    }
}

/// All of them, by number.
#[derive(Debug, Default)]
pub(crate) struct Units {
    facts: Vec<UnitFacts>,
    /// Of what belongs to none of them.
    loose: UnitFacts,
}

impl Units {
    /// The number that comes next.
    pub(crate) fn next(&self) -> usize {
        self.facts.len()
    }

    pub(crate) fn pack(&mut self, pack: &Pack) -> Unit {
        self.add(UnitFacts { object: pack.object(), declares: true, ..UnitFacts::default() })
    }

    pub(crate) fn add(&mut self, facts: UnitFacts) -> Unit {
        self.facts.push(facts);
        Unit(self.facts.len() - 1)
    }

    pub(crate) fn of(&self, unit: Option<Unit>) -> usize {
        unit.map_or(LOOSE, |unit| unit.0)
    }

    /// Whether it is one at all.
    pub(crate) fn is_pack(&self, number: usize) -> bool {
        number != LOOSE && self.get(number).object.starts_with("pack ")
    }

    pub(crate) fn get(&self, number: usize) -> &UnitFacts {
        self.facts.get(number).unwrap_or(&self.loose)
    }

    pub(crate) fn get_mut(&mut self, number: usize) -> &mut UnitFacts {
        self.facts.get_mut(number).unwrap_or(&mut self.loose)
    }

    pub(crate) fn object(&self, number: usize) -> String {
        self.get(number).object.clone()
    }
}
