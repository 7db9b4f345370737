//! What was found, held against what a case names.

use std::collections::{BTreeMap, BTreeSet};

use edgectl_model::Reference;
use serde_json::Value;

use super::cases::{Case, read};
use crate::Result;
use crate::cargo::root;

/// Decides what is an image.
pub(super) struct Oracle {
    /// The repositories that any list names.
    repositories: BTreeSet<String>,
    /// Images that people have looked at.
    reviewed: BTreeSet<Reference>,
}

/// Counts of one case, or of all.
#[derive(Default)]
pub(super) struct Score {
    pub(super) pods: Ratio,
    pub(super) declared: Ratio,
    pub(super) published: Ratio,
    /// Of what is declared, how much was also found where it is used.
    pub(super) used: Ratio,
    pub(super) precise: Ratio,
    pub(super) missed: Vec<String>,
    /// What no list names, with the place.
    pub(super) unexplained: Vec<String>,
    pub(super) named_nowhere: Vec<String>,
}

/// So many of so many.
#[derive(Default, Clone, Copy)]
pub(super) struct Ratio {
    pub(super) good: usize,
    pub(super) all: usize,
}

impl Ratio {
    pub(super) fn add(&mut self, other: Ratio) {
        self.good += other.good;
        self.all += other.all;
    }

    /// The share; all of nothing is everything.
    pub(super) fn share(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        match self.all {
            0 => 1.0,
            all => self.good as f64 / all as f64,
        }
    }
}

impl Score {
    pub(super) fn add(&mut self, other: &Score) {
        self.pods.add(other.pods);
        self.declared.add(other.declared);
        self.published.add(other.published);
        self.used.add(other.used);
        self.precise.add(other.precise);
    }

    /// Everything that had to be found.
    pub(super) fn recall(&self) -> Ratio {
        let mut recall = self.pods;
        recall.add(self.declared);
        recall.add(self.published);
        recall
    }
}

/// An image as `edgectl images` reports it.
struct Reported {
    reference: Reference,
    /// The rules that found it, and the first place.
    rules: BTreeSet<String>,
    place: String,
}

impl Oracle {
    pub(super) fn new(cases: &[Case]) -> Result<Self> {
        let lists = cases.iter().flat_map(|case| [&case.pods, &case.declared, &case.published]);
        let text = read(&root().join("crates/xtask/data/corpus-reviewed.txt"))?;
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        let names = lines.filter_map(|line| line.split_whitespace().next());
        Ok(Self {
            repositories: lists.flatten().map(Reference::repository).collect(),
            reviewed: names.map(|name| Ok(Reference::parse(name)?)).collect::<Result<_>>()?,
        })
    }

    fn is_image(&self, image: &Reference) -> bool {
        self.repositories.contains(&image.repository()) || self.reviewed.contains(image)
    }

    /// Holds what `edgectl images` says against a case.
    pub(super) fn judge(&self, case: &Case, said: &Value) -> Result<Score> {
        let found = reported(said)?;
        let mut score = Score::default();
        let has = |image: &Reference| found.contains_key(&image.canonical());
        for (wanted, ratio) in [
            (&case.pods, &mut score.pods),
            (&case.declared, &mut score.declared),
            (&case.published, &mut score.published),
        ] {
            for image in wanted {
                ratio.all += 1;
                ratio.good += usize::from(has(image));
                if !has(image) {
                    score.missed.push(image.canonical());
                }
            }
        }
        for image in &case.declared {
            let is_used = |image: &Reported| image.rules.iter().any(|rule| rule != "pack-content");
            score.used.all += 1;
            score.used.good += usize::from(found.get(&image.canonical()).is_some_and(is_used));
        }
        for image in found.values() {
            score.precise.all += 1;
            // What a pack's own list names is an image, if it isn't mistaken.
            let is_listed = case.declared.is_empty() && image.rules.contains("pack-content");
            match is_listed || self.is_image(&image.reference) {
                true => score.precise.good += 1,
                false => score.unexplained.push(format!("{} {}", image.reference, image.place)),
            }
        }
        score.named_nowhere = case.named_nowhere.iter().map(Reference::canonical).collect();
        Ok(score)
    }
}

/// The images of the first three tiers, by canonical name.
fn reported(said: &Value) -> Result<BTreeMap<String, Reported>> {
    let images = said["images"].as_array().ok_or("no `images` in the result")?;
    let sure = images.iter().filter(|image| image["tier"] != "possible");
    let pairs = sure.map(|image| {
        let name = image["image"].as_str().ok_or("an image without a name")?;
        let found = image["found"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |place: &Value, key: &str| place[key].as_str().unwrap_or_default().to_owned();
        let place = found.first().map(|place| {
            format!("by {} at {}:{}", text(place, "rule"), text(place, "file"), text(place, "path"))
        });
        let rules = found.iter().map(|place| text(place, "rule")).collect();
        let reference = Reference::parse(name)?;
        let place = place.unwrap_or_default();
        Ok((reference.canonical(), Reported { reference, rules, place }))
    });
    pairs.collect()
}
