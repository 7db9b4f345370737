//! What the inputs name and didn't bring along.

use crate::chart::ChartId;
use crate::collect::Scope;
use crate::discover::Discoverer;
use crate::elsewhere::{ChartName, Elsewhere, Target};
use crate::macros::Macros;
use crate::report::{Problem, Severity};
use crate::sources::flux;
use crate::sources::pack_values;
use crate::sources::profile::{Pack, Profile};

/// References to references end here.
const MAX_HOPS: usize = 4;

impl Discoverer<'_> {
    /// What is named and still missing. Charts that are among the inputs get
    /// the values they are named with; asking again gives only what is new.
    pub fn missing(&mut self) -> Vec<Elsewhere> {
        self.ask_for_pack_charts();
        let mut missing = Vec::new();
        for mut elsewhere in std::mem::take(&mut self.elsewhere) {
            if let Target::Chart(chart) = &mut elsewhere.target {
                self.follow(chart);
                if let Some(index) = self.known(chart, elsewhere.unit) {
                    // A pack's own chart has the pack's values already.
                    if !self.charts[index].is_of_pack {
                        let settings = chart.settings.clone();
                        self.install(ChartId(index), settings);
                    }
                    continue;
                }
            }
            // A pack that shows what it runs needs no chart.
            if self.units.is_pack(elsewhere.unit) && self.units.get(elsewhere.unit).shows_use {
                continue;
            }
            missing.push(elsewhere);
        }
        missing
    }

    /// Says that something that is named wasn't read.
    pub fn not_read(&mut self, elsewhere: &Elsewhere, why: &str) {
        let Elsewhere { found, column, target, .. } = elsewhere;
        self.book.problems.push(Problem {
            severity: Severity::Warning,
            file: found.file.clone(),
            line: found.line,
            column: *column,
            path: found.path.clone(),
            object: found.object.clone(),
            rule: "not-read",
            message: format!(
                "{target} is named here and wasn't read ({why}); its images may be missing"
            ),
        });
    }

    /// From an object that describes a repository to what it says.
    fn follow(&self, chart: &mut ChartName) {
        for _ in 0..MAX_HOPS {
            if !chart.repository.starts_with(flux::SOURCE) {
                return;
            }
            let Some((_, named)) = self.sources.iter().find(|(key, _)| *key == chart.repository)
            else {
                return;
            };
            chart.repository.clone_from(&named.repository);
            if chart.name.is_empty() {
                chart.name.clone_from(&named.name);
            }
            if chart.version.is_none() {
                chart.version.clone_from(&named.version);
            }
        }
    }

    fn known(&self, chart: &ChartName, unit: usize) -> Option<usize> {
        let name = chart.name.rsplit('/').next().unwrap_or_default();
        let mut charts = self.charts.iter().enumerate().filter(|(_, known)| known.name == name);
        let own = charts.clone().find(|(_, known)| known.unit == unit);
        own.or_else(|| charts.next()).map(|(index, _)| index)
    }

    fn ask_for_pack_charts(&mut self) {
        let profiles = std::mem::take(&mut self.profiles);
        for profile in &profiles {
            for pack in &profile.packs {
                if self.asked.insert(pack.unit) {
                    let found = self.pack_charts(profile, pack);
                    self.elsewhere.extend(found);
                }
            }
        }
        self.profiles = profiles;
    }

    fn pack_charts(&self, profile: &Profile, pack: &Pack) -> Vec<Elsewhere> {
        let has_own = self.charts.iter().any(|chart| chart.unit == pack.unit);
        let Some(values) = pack.values.as_ref().filter(|_| !has_own) else { return Vec::new() };
        let Ok(tree) = &values.tree else { return Vec::new() };
        let macros = Macros::none();
        let around = profile.layer();
        let layer = values.layer(&around);
        let scope = Scope {
            file: values.file().unwrap_or(&profile.file),
            layer: &layer,
            base: pack.values_base(values),
            object: pack.object(),
            pack: pack.unit,
            macros: &macros,
        };
        let mut named = pack_values::charts(&scope, tree);
        if named.is_empty() {
            // `pack.json` names files that should lie beside it.
            let (found, column) = scope.found(tree, "", "not-read");
            named.extend(pack.charts.iter().map(|path| Elsewhere {
                found: found.clone(),
                column,
                unit: pack.unit,
                target: Target::Path(path.clone()),
            }));
        }
        named
    }
}
