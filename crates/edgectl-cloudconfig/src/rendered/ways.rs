//! Which ways of a template are tried: all of them where they are few, else each
//! branch alone and each one left out, those that any two neighbouring conditions
//! can go, and others beside.

use std::collections::BTreeSet;

use super::condition::{Condition, Factor};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Each branch alone and left out, which takes a fraction of the time.
    Branches,
    /// Each branch also with those of the next condition, and with none behind it.
    Pairs,
}

impl Extent {
    /// So many are tried, whatever they are.
    fn all(self) -> usize {
        if self == Self::Pairs { 64 } else { 16 }
    }

    /// How much may be read in all, in bytes: so much that what can be injected into
    /// is always checked as a whole.
    fn work(self) -> usize {
        if self == Self::Pairs { 64 << 20 } else { 24 << 20 }
    }

    /// How many of any kind are tried beside.
    fn beside(self) -> u64 {
        if self == Self::Pairs { 24 } else { 6 }
    }
}

/// Most that are tried.
const MOST: usize = 1024;
/// Behind those of the ways that are forced nowhere.
const SEEDS: u64 = 1000;

/// A place where ways part: what has to hold for a host to come there, and what
/// it can do then: the most first, and the least last.
pub(super) struct Fork {
    pub(super) path: Vec<(Condition, bool)>,
    pub(super) options: Vec<(Condition, bool)>,
}

/// Values of the factors, a way each, and whether that is all of them to be tried
/// for a template of such a length: those of each branch come first.
pub(super) fn ways(
    factors: &[Factor],
    forks: &[Fork],
    length: usize,
    extent: Extent,
) -> (Vec<Vec<usize>>, bool) {
    let counts: Vec<usize> = factors.iter().map(Factor::count).collect();
    let number = counts.iter().try_fold(1_usize, |number, count| number.checked_mul(*count));
    if let Some(number) = number.filter(|number| *number <= extent.all()) {
        return ((0..number).map(|number| numbered(number, &counts)).collect(), true);
    }
    let most = (extent.work() / length.max(1)).clamp(extent.all().max(64), MOST);
    let (seen, own) = (BTreeSet::new(), Vec::new());
    let mut ways = Ways { factors, counts: &counts, most, seen, ways: own };
    let is_all = ways.tried(forks, extent).is_some();
    (ways.ways, is_all)
}

struct Ways<'a> {
    factors: &'a [Factor],
    counts: &'a [usize],
    most: usize,
    seen: BTreeSet<Vec<usize>>,
    ways: Vec<Vec<usize>>,
}

impl Ways<'_> {
    /// Adds those to try; none where they are too many.
    fn tried(&mut self, forks: &[Fork], extent: Extent) -> Option<()> {
        let (mut on, mut off) = (vec![0; self.counts.len()], Vec::new());
        off.extend(self.counts.iter().map(|count| count - 1));
        self.add(on.clone())?;
        self.add(off.clone())?;
        for fork in forks {
            fork.options.first().into_iter().for_each(|one| self.force(&[], one, &mut on));
            fork.options.last().into_iter().for_each(|one| self.force(&[], one, &mut off));
        }
        for base in [&off, &on] {
            self.add(base.clone())?;
            for (fork, option) in options(forks) {
                let mut way = base.clone();
                self.force(&fork.path, option, &mut way);
                self.add(way)?;
            }
        }
        if extent == Extent::Pairs {
            self.with_none_behind(forks, on)?;
            self.pairs(forks)?;
        }
        (0..extent.beside()).try_for_each(|seed| self.add(self.any(seed)))
    }

    /// Each option with any others, and with those of the next fork.
    fn pairs(&mut self, forks: &[Fork]) -> Option<()> {
        for (n, fork) in forks.iter().enumerate() {
            for option in &fork.options {
                self.forced(&[(fork, option)])?;
                for (next, other) in options(forks.get(n + 1)) {
                    self.forced(&[(next, other), (fork, option)])?;
                }
            }
        }
        Some(())
    }

    /// Each option with the least of all that comes behind it.
    fn with_none_behind(&mut self, forks: &[Fork], mut behind: Vec<usize>) -> Option<()> {
        for fork in forks.iter().rev() {
            for option in &fork.options {
                let mut way = behind.clone();
                self.force(&fork.path, option, &mut way);
                self.add(way)?;
            }
            fork.options.last().into_iter().for_each(|one| self.force(&[], one, &mut behind));
        }
        Some(())
    }

    fn add(&mut self, way: Vec<usize>) -> Option<()> {
        if self.seen.contains(&way) {
            return Some(());
        }
        if self.ways.len() >= self.most {
            return None;
        }
        self.seen.insert(way.clone());
        self.ways.push(way);
        Some(())
    }

    fn force(&self, path: &[(Condition, bool)], option: &(Condition, bool), way: &mut [usize]) {
        for (condition, holds) in path.iter().chain([option]) {
            condition.force(*holds, way, self.factors);
        }
    }

    /// Any way that comes to these forks and takes these options.
    fn forced(&mut self, forks: &[(&Fork, &(Condition, bool))]) -> Option<()> {
        let mut way = self.any(u64::try_from(self.ways.len()).unwrap_or_default() + SEEDS);
        for (fork, option) in forks {
            self.force(&fork.path, option, &mut way);
        }
        self.add(way)
    }

    /// The same for the same seed.
    fn any(&self, seed: u64) -> Vec<usize> {
        let mut state = seed;
        let mut next = |count: &usize| {
            // SplitMix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ (mixed >> 31)) >> 33).unwrap_or_default() % count
        };
        self.counts.iter().map(&mut next).collect()
    }
}

fn options<'a>(
    forks: impl IntoIterator<Item = &'a Fork>,
) -> impl Iterator<Item = (&'a Fork, &'a (Condition, bool))> {
    forks.into_iter().flat_map(|fork| fork.options.iter().map(move |option| (fork, option)))
}

fn numbered(mut number: usize, counts: &[usize]) -> Vec<usize> {
    let mut digit = |count: &usize| {
        let digit = number % count;
        number /= count;
        digit
    };
    counts.iter().map(&mut digit).collect()
}
