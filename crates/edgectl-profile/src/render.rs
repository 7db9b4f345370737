//! Charts are rendered by a program; what it prints is read as manifests.

use std::io::BufRead;

use thiserror::Error;

use crate::chart::ChartId;
use crate::discover::{Discoverer, Expect, File};
use crate::elsewhere::ChartSettings;
use crate::macros::Macros;
use crate::report::{Problem, Severity};
use crate::sources::profile::Pack;
use crate::tree::Node;
use crate::units::Unit;
use crate::values_text;

/// Release name where nothing names one.
const RELEASE: &str = "release-name";
const NAMESPACE: &str = "default";

/// A chart that is to be rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRequest<'a> {
    /// Which chart.
    pub chart: ChartId,
    /// Its name.
    pub name: &'a str,
    /// Name of the release.
    pub release: &'a str,
    /// Namespace of the release.
    pub namespace: &'a str,
    /// Values, YAML or JSON texts, later ones over earlier ones.
    pub values: &'a [String],
    /// Version of Kubernetes, where the inputs tell.
    pub kubernetes_version: Option<&'a str>,
}

/// Why a chart couldn't be rendered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RenderError {
    /// What the program says.
    pub message: String,
}

/// Renders charts.
pub trait Renderer {
    /// The manifests of one chart.
    fn chart(&mut self, request: &ChartRequest<'_>) -> Result<Box<dyn BufRead>, RenderError>;
}

/// What a chart that can't be rendered means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrendered {
    /// It is an error.
    Refused,
    /// It is a warning: values and annotations have to do.
    Allowed,
}

/// What programs say in several lines, as one.
fn on_one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Discoverer<'_> {
    /// Renders all charts and reads what comes out.
    pub fn render(&mut self, renderer: &mut dyn Renderer, unrendered: Unrendered) {
        let kubernetes = Macros::new(0, &self.profiles, &self.config.macros).kubernetes_version();
        for index in 0..self.charts.len() {
            let uses = self.uses(index);
            let mut is_rendered = true;
            for one in &uses {
                is_rendered &=
                    self.render_one(renderer, unrendered, index, one, kubernetes.as_deref());
            }
            self.charts[index].uses = uses;
            self.charts[index].is_rendered = is_rendered;
        }
        for unit in 0..self.units.next() {
            let mut charts = self.charts.iter().filter(|chart| chart.unit == unit).peekable();
            let is_rendered = charts.peek().is_some() && charts.all(|chart| chart.is_rendered);
            self.units.get_mut(unit).is_rendered |= is_rendered;
        }
    }

    fn render_one(
        &mut self,
        renderer: &mut dyn Renderer,
        unrendered: Unrendered,
        index: usize,
        settings: &ChartSettings,
        kubernetes: Option<&str>,
    ) -> bool {
        let chart = &self.charts[index];
        let request = ChartRequest {
            chart: ChartId(index),
            name: &chart.name,
            release: settings.release.as_deref().unwrap_or(RELEASE),
            namespace: settings.namespace.as_deref().unwrap_or(NAMESPACE),
            values: &settings.values,
            kubernetes_version: kubernetes,
        };
        let (name, unit) = (format!("{} (rendered)", chart.label), Unit(chart.unit));
        let result = renderer.chart(&request).and_then(|reader| {
            let file = File { name: &name, unit: Some(unit), expect: Expect::Anything };
            self.read_rendered(&file, reader)
        });
        match result {
            Ok(()) => true,
            Err(error) => {
                self.failed_render(index, unrendered, &error);
                false
            }
        }
    }

    fn read_rendered(
        &mut self,
        file: &File<'_>,
        reader: Box<dyn BufRead>,
    ) -> Result<(), RenderError> {
        // What the program prints isn't an input: other versions of it may
        // print other comments.
        let inputs = self.hasher.clone();
        let result = self.read(file, reader);
        self.hasher = inputs;
        result.map_err(|error| RenderError { message: error.to_string() })
    }

    fn failed_render(&mut self, index: usize, unrendered: Unrendered, error: &RenderError) {
        let chart = &self.charts[index];
        let (severity, rule, rest) = match unrendered {
            Unrendered::Refused => (Severity::Error, "render-failed", ""),
            Unrendered::Allowed => (
                Severity::Warning,
                "not-rendered",
                "; images that only its templates name may be missing",
            ),
        };
        self.book.problems.push(Problem {
            severity,
            file: chart.label.clone(),
            line: 0,
            column: 0,
            path: String::new(),
            object: self.units.object(chart.unit),
            rule,
            message: format!(
                "the chart `{}` can't be rendered: {}{rest}",
                chart.name,
                on_one_line(&error.message)
            ),
        });
    }

    /// How a chart is installed: as the packs say, as other objects say, or
    /// with nothing but its own values.
    fn uses(&self, index: usize) -> Vec<ChartSettings> {
        let chart = &self.charts[index];
        let mut uses = chart.uses.clone();
        if chart.is_of_pack {
            uses.extend(self.uses_of_packs(index));
        }
        if uses.is_empty() {
            uses.push(ChartSettings::default());
        }
        uses
    }

    /// A profile that has the pack, too, decides on its values.
    fn uses_of_packs(&self, index: usize) -> Vec<ChartSettings> {
        let chart = &self.charts[index];
        let all = || {
            let profiles = self.profiles.iter().enumerate();
            profiles.flat_map(|(own, profile)| profile.packs.iter().map(move |pack| (own, pack)))
        };
        let Some((own, pack)) = all().find(|(_, pack)| pack.unit == chart.unit) else {
            return Vec::new();
        };
        let is_same = |other: &Pack| {
            other.name == pack.name
                && other.unit != pack.unit
                && !other.path.is_empty()
                && (other.version == pack.version || other.version.is_empty())
        };
        let mut deciding: Vec<(usize, &Pack)> = all().filter(|(_, other)| is_same(other)).collect();
        if deciding.is_empty() {
            deciding.push((own, pack));
        }
        let alone = self.charts.iter().filter(|other| other.unit == chart.unit).count() == 1;
        deciding.iter().map(|(own, pack)| self.of_pack(*own, pack, &chart.name, alone)).collect()
    }

    fn of_pack(&self, own: usize, pack: &Pack, chart: &str, alone: bool) -> ChartSettings {
        let Some(values) = pack.tree() else { return ChartSettings::default() };
        let macros = Macros::new(own, &self.profiles, &self.config.macros);
        // A macro that means nothing stays; where it matters it is an error.
        let resolve = |text: &str| macros.resolve(text).unwrap_or_else(|_| text.to_owned());
        let text = |path: &[&str]| values.at(path).and_then(Node::text).map(resolve);
        let charts = values.get("charts").map(Node::entries).unwrap_or_default();
        let named = charts.iter().find(|(key, _)| key.scalar() == Some(chart));
        let only = || charts.first().filter(|_| alone && charts.len() == 1);
        ChartSettings {
            release: text(&["pack", "releaseNameOverride", chart]),
            namespace: text(&["pack", "namespace"]),
            values: named
                .or_else(only)
                .map(|(_, values)| values_text::with(values, &resolve))
                .into_iter()
                .collect(),
            value_files: Vec::new(),
        }
    }
}
