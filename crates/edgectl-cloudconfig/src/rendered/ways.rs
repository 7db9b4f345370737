//! Which ways of a template are tried: all of them where they are few, else
//! those that any two neighbouring conditions can go, and others beside.

use std::collections::BTreeSet;

use super::condition::{Condition, Factor};

/// How much is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Each branch, which takes a fraction of the time.
    Branches,
    /// Each branch with those of the next condition.
    Pairs,
}

impl Extent {
    /// So many are tried, whatever they are.
    fn all(self) -> usize {
        if self == Self::Pairs { 64 } else { 16 }
    }

    /// How many of any kind are tried beside.
    fn beside(self) -> u64 {
        if self == Self::Pairs { 24 } else { 6 }
    }
}

/// Most that are tried.
const MOST: usize = 512;
/// Behind those of the ways that are forced nowhere.
const SEEDS: u64 = 1000;
/// How much may be read in all, in bytes.
const WORK: usize = 16 << 20;

/// A place where ways part: what has to hold for a host to come there, and what
/// it can do then.
pub(super) struct Fork {
    pub(super) path: Vec<(Condition, bool)>,
    pub(super) options: Vec<(Condition, bool)>,
}

/// Values of the factors, a way each; none where there are too many for a
/// template of such a length.
pub(super) fn ways(
    factors: &[Factor],
    forks: &[Fork],
    length: usize,
    extent: Extent,
) -> Option<Vec<Vec<usize>>> {
    let counts: Vec<usize> = factors.iter().map(Factor::count).collect();
    let number = counts.iter().try_fold(1_usize, |number, count| number.checked_mul(*count));
    if let Some(number) = number.filter(|number| *number <= extent.all()) {
        return Some((0..number).map(|number| numbered(number, &counts)).collect());
    }
    let most = (WORK / length.max(1)).clamp(extent.all().max(64), MOST);
    let mut ways = Ways { factors, counts: &counts, seen: BTreeSet::new(), ways: Vec::new() };
    ways.add(vec![0; counts.len()]);
    ways.add(counts.iter().map(|count| count - 1).collect());
    for (n, fork) in forks.iter().enumerate() {
        for option in &fork.options {
            ways.forced(&[(fork, option)]);
            let next = forks.get(n + 1).filter(|_| extent == Extent::Pairs).into_iter();
            for (next, other) in
                next.flat_map(|next| next.options.iter().map(move |one| (next, one)))
            {
                ways.forced(&[(next, other), (fork, option)]);
            }
            if ways.ways.len() > most {
                return None;
            }
        }
    }
    (0..extent.beside()).for_each(|seed| ways.add(ways.any(seed)));
    Some(ways.ways)
}

struct Ways<'a> {
    factors: &'a [Factor],
    counts: &'a [usize],
    seen: BTreeSet<Vec<usize>>,
    ways: Vec<Vec<usize>>,
}

impl Ways<'_> {
    fn add(&mut self, way: Vec<usize>) {
        if self.seen.insert(way.clone()) {
            self.ways.push(way);
        }
    }

    /// Any way that comes to these forks and takes these options.
    fn forced(&mut self, forks: &[(&Fork, &(Condition, bool))]) {
        let mut way = self.any(u64::try_from(self.ways.len()).unwrap_or_default() + SEEDS);
        for (fork, option) in forks {
            for (condition, holds) in fork.path.iter().chain([*option]) {
                condition.force(*holds, &mut way, self.factors);
            }
        }
        self.add(way);
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

fn numbered(mut number: usize, counts: &[usize]) -> Vec<usize> {
    let mut digit = |count: &usize| {
        let digit = number % count;
        number /= count;
        digit
    };
    counts.iter().map(&mut digit).collect()
}
