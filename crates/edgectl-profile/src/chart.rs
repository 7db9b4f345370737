//! Helm charts: what their own files say, rendered or not.

use std::collections::BTreeMap;
use std::rc::Rc;

use edgectl_model::{Reference, Role, Tier};

use crate::collect::{Kind, Scope, join};
use crate::discover::Discoverer;
use crate::elsewhere::ChartSettings;
use crate::error::ProfileError;
use crate::layer::Layer;
use crate::macros::Macros;
use crate::mask::mask;
use crate::sources::{self, Desk, values_in};
use crate::tree::{Data, Node, parse};
use crate::units::{Unit, UnitFacts};

/// Annotations of `Chart.yaml` that list images, each as YAML in a string.
const ANNOTATIONS: [&str; 3] = ["artifacthub.io/images", "images", "helm.sh/images"];
/// Charts in charts end here.
const MAX_NESTING: usize = 8;

const DECLARED: Kind =
    Kind { rule: "chart-annotation", tier: Tier::Certain, role: Role::Workload, declared: true };
const TEMPLATE: Kind =
    Kind { rule: "template-line", tier: Tier::Likely, role: Role::Workload, declared: false };

/// A file of a chart that says something without being rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFile {
    /// Its name, for people.
    pub name: String,
    /// Its path in the chart: `values.yaml`, `charts/sub/Chart.yaml`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// A chart that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFiles {
    /// Its name, for people.
    pub name: String,
    /// The pack it belongs to.
    pub unit: Option<Unit>,
    /// `Chart.yaml`, `values.yaml`, `Images.lock` and the templates, those of
    /// sub-charts below `charts/NAME/`.
    pub files: Vec<ChartFile>,
}

/// Number of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChartId(pub(crate) usize);

/// A chart, read.
pub(crate) struct Chart {
    pub(crate) label: String,
    pub(crate) name: String,
    pub(crate) unit: usize,
    /// Whether it belongs to a pack.
    pub(crate) is_of_pack: bool,
    pub(crate) files: BTreeMap<String, ChartFile>,
    /// How it is installed; several releases are several of them.
    pub(crate) uses: Vec<ChartSettings>,
    pub(crate) is_rendered: bool,
}

impl Discoverer<'_> {
    /// Takes a chart. It is searched and rendered when all else is read.
    pub fn chart(&mut self, found: ChartFiles) -> Result<ChartId, ProfileError> {
        let ChartFiles { name: label, unit, files } = found;
        for file in &files {
            self.depend(&file.text);
        }
        let files: BTreeMap<String, ChartFile> =
            files.into_iter().map(|file| (file.path.clone(), file)).collect();
        let name = chart_name(&label, &files)?;
        let is_of_pack = unit.is_some();
        let unit = unit.unwrap_or_else(|| {
            let object = format!("chart {name}");
            self.units.add(UnitFacts { object, has_charts: true, ..UnitFacts::default() })
        });
        let unit = unit.0;
        self.units.get_mut(unit).has_charts = true;
        self.charts.push(Chart {
            label,
            name,
            unit,
            is_of_pack,
            files,
            uses: Vec::new(),
            is_rendered: false,
        });
        Ok(ChartId(self.charts.len() - 1))
    }

    /// Whether a pack has a chart of the same name already.
    pub fn has_chart(&self, unit: Unit, files: &ChartFiles) -> bool {
        let files: BTreeMap<String, ChartFile> =
            files.files.iter().map(|file| (file.path.clone(), file.clone())).collect();
        let name = chart_name("", &files).unwrap_or_default();
        self.charts.iter().any(|chart| chart.unit == unit.0 && chart.name == name)
    }

    /// Has a chart installed in one more way.
    pub fn install(&mut self, chart: ChartId, settings: ChartSettings) {
        if let Some(chart) = self.charts.get_mut(chart.0) {
            chart.uses.push(settings);
        }
    }

    /// Searches what the charts say by themselves.
    pub(crate) fn search_charts(&mut self) {
        let charts = std::mem::take(&mut self.charts);
        for chart in &charts {
            let mut search = Search { discoverer: self, chart };
            let values: Vec<Node> = chart
                .uses
                .iter()
                .flat_map(|one| &one.values)
                .filter_map(|text| tree(text))
                .collect();
            search.level("", &values, MAX_NESTING);
        }
        self.charts = charts;
    }
}

fn chart_name(label: &str, files: &BTreeMap<String, ChartFile>) -> Result<String, ProfileError> {
    let shape = |expected: &str| ProfileError::Shape {
        file: label.to_owned(),
        line: 1,
        column: 1,
        expected: expected.to_owned(),
    };
    let file = files.get("Chart.yaml").ok_or_else(|| shape("a chart has a `Chart.yaml`"))?;
    let documents = parse(&mask(&file.text)).map_err(|fault| {
        let (line, column) = (fault.line, fault.column);
        ProfileError::Syntax { file: file.name.clone(), line, column, message: fault.message }
    })?;
    let name = documents.first().and_then(|root| root.get("name")).and_then(Node::text);
    name.map(str::to_owned).ok_or_else(|| shape("the `Chart.yaml` of a chart has a `name`"))
}

/// The first document of a text that is YAML.
fn tree(text: &str) -> Option<Node> {
    let mut documents = parse(&mask(text)).ok()?;
    (!documents.is_empty()).then(|| documents.swap_remove(0))
}

struct Search<'a, 'b, 'c> {
    discoverer: &'a mut Discoverer<'b>,
    chart: &'c Chart,
}

impl Search<'_, '_, '_> {
    /// Searches the chart or sub-chart below `prefix`, which gets `values`.
    fn level(&mut self, prefix: &str, values: &[Node], nesting: usize) {
        let meta = self.file(prefix, "Chart.yaml").and_then(|file| tree(&file.text));
        self.annotations(prefix);
        self.lock(prefix);
        let own = self.file(prefix, "values.yaml").and_then(|file| tree(&file.text));
        let own = own.map(|own| values.iter().fold(own, |own, over| overlaid(&own, over)));
        if let Some(own) = &own {
            let version =
                meta.as_ref().and_then(|meta| meta.get("appVersion")).and_then(Node::text);
            let filled = match version.filter(|_| !self.chart.is_rendered) {
                Some(version) => tagged(own, version),
                None => own.clone(),
            };
            self.values(prefix, &filled);
        }
        if !self.chart.is_rendered {
            self.templates(prefix);
        }
        if nesting > 0 {
            self.sub_charts(prefix, meta.as_ref(), own.as_ref(), values, nesting - 1);
        }
    }

    fn file(&self, prefix: &str, name: &str) -> Option<&'_ ChartFile> {
        self.chart.files.get(&format!("{prefix}{name}"))
    }

    /// Calls `search` with a desk over one file.
    fn over(&mut self, path: &str, search: impl FnOnce(&mut Desk<'_, '_>, &[Node])) {
        let Some(file) = self.chart.files.get(path) else { return };
        let text = mask(&file.text);
        let layer = Layer::file(&text);
        let Ok(documents) = parse(layer.text) else { return };
        let macros = Macros::none();
        let scope = Scope {
            file: &file.name,
            layer: &layer,
            base: String::new(),
            object: format!("chart {}", self.chart.name),
            pack: self.chart.unit,
            macros: &macros,
        };
        let Discoverer { book, elsewhere, .. } = &mut *self.discoverer;
        search(&mut Desk { book, scope: &scope, elsewhere }, &documents);
    }

    fn values(&mut self, prefix: &str, values: &Node) {
        self.over(&format!("{prefix}values.yaml"), |desk, _| {
            // What is odd about values that were put in from elsewhere is told
            // there; the rest is for the chart's author to mend.
            let told = desk.book.problems.len();
            values_in(desk.book, desk.scope, values);
            desk.book.problems.truncate(told);
        });
    }

    fn annotations(&mut self, prefix: &str) {
        let mut declares = false;
        self.over(&format!("{prefix}Chart.yaml"), |desk, documents| {
            for root in documents {
                declares |= annotated(desk, root);
            }
        });
        self.discoverer.units.get_mut(self.chart.unit).declares |= declares;
    }

    fn lock(&mut self, prefix: &str) {
        let path = format!("{prefix}Images.lock");
        let mut declares = false;
        self.over(&path, |desk, documents| {
            for root in documents {
                sources::dispatch(desk, root);
                declares = true;
            }
        });
        self.discoverer.units.get_mut(self.chart.unit).declares |= declares;
    }

    /// Images that stand in templates as they are.
    fn templates(&mut self, prefix: &str) {
        let within = format!("{prefix}templates/");
        let chart = self.chart;
        for (_, file) in chart.files.iter().filter(|(path, _)| path.starts_with(&within)) {
            let (layer, macros) = (Layer::file(""), Macros::none());
            let scope = Scope {
                file: &file.name,
                layer: &layer,
                base: String::new(),
                object: format!("chart {}", chart.name),
                pack: chart.unit,
                macros: &macros,
            };
            for (line, column, image) in literal_images(&file.text) {
                let path = format!("line {line}");
                let node = Node::at_place(line, column);
                self.discoverer.book.take(&scope, &node, &path, image, TEMPLATE);
            }
        }
    }

    fn sub_charts(
        &mut self,
        prefix: &str,
        meta: Option<&Node>,
        own: Option<&Node>,
        given: &[Node],
        nesting: usize,
    ) {
        let below = format!("{prefix}charts/");
        let directories: Vec<String> = self
            .chart
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&below)?.strip_suffix("/Chart.yaml"))
            .filter(|rest| !rest.contains('/'))
            .map(str::to_owned)
            .collect();
        let merged = |key: &str| {
            let given = given.iter().rev().find_map(|values| values.at_dotted(key));
            own.and_then(|own| own.at_dotted(key)).or(given).cloned()
        };
        let dependencies = meta.and_then(|meta| meta.get("dependencies")).map(Node::items);
        for directory in directories {
            let prefix = format!("{below}{directory}/");
            let meta = self.file(&prefix, "Chart.yaml").and_then(|file| tree(&file.text));
            let name = meta.as_ref().and_then(|meta| meta.get("name")).and_then(Node::text);
            let name = name.unwrap_or(&directory);
            let named = dependencies.unwrap_or_default().iter();
            let named: Vec<&Node> =
                named.filter(|one| one.get("name").and_then(Node::text) == Some(name)).collect();
            let is_off = |dependency: &&Node| {
                let condition = dependency.get("condition").and_then(Node::text);
                let mut paths = condition.unwrap_or_default().split(',').map(str::trim);
                let value = paths.find_map(|path| merged(path).filter(|_| !path.is_empty()));
                value.is_some_and(|value| value.scalar() == Some("false"))
            };
            if !named.is_empty() && named.iter().all(is_off) {
                continue;
            }
            let key = named.iter().find_map(|one| one.get("alias")).and_then(Node::text);
            let values: Vec<Node> = merged(key.unwrap_or(name)).into_iter().collect();
            self.level(&prefix, &values, nesting);
        }
    }
}

fn annotated(desk: &mut Desk<'_, '_>, root: &Node) -> bool {
    let mut any = false;
    for key in ANNOTATIONS {
        let Some(node) = root.at(&["annotations", key]).filter(|node| node.text().is_some()) else {
            continue;
        };
        let Some(embedded) = desk.scope.layer.embedded(node) else { continue };
        let layer = desk.scope.layer.inner(&embedded);
        let Ok(documents) = parse(layer.text) else { continue };
        let scope = desk.scope.inside(&layer, format!("annotations.{key}:"));
        for (index, item) in documents.iter().flat_map(Node::items).enumerate() {
            let path = format!("[{index}]");
            let (image, path) = match item.get("image") {
                Some(image) => (image, join(&path, "image")),
                None => (item, path),
            };
            if let Some(text) = image.text() {
                any = true;
                desk.book.take(&scope, image, &path, text, DECLARED);
            }
        }
    }
    any
}

/// `image: LITERAL` lines of a template.
fn literal_images(text: &str) -> Vec<(u64, u64, &str)> {
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let trimmed = line.trim_start().trim_start_matches("- ").trim_start();
        let Some((key, value)) = trimmed.split_once(':') else { continue };
        let is_key = key.trim_matches('"') == "image" || key.ends_with("Image");
        let value = value.split(" #").next().unwrap_or_default().trim();
        let value = value.trim_matches(['"', '\'']);
        if is_key && !value.is_empty() && Reference::parse(value).is_ok() {
            let before = line.find(value).unwrap_or_default();
            found.push((number, crate::error::wide(line[..before].chars().count() + 1), value));
        }
    }
    found
}

/// `own` with what `over` says in place of its scalars; the places stay those
/// of `own`. What only `over` has is searched where it stands.
fn overlaid(own: &Node, over: &Node) -> Node {
    match (&own.data, &over.data) {
        (Data::Mapping(entries), Data::Mapping(_)) => {
            let entries = entries.iter().map(|(key, value)| {
                let over = key.scalar().and_then(|name| over.get(name));
                (key.clone(), over.map_or_else(|| value.clone(), |over| overlaid(value, over)))
            });
            own.with(Data::Mapping(Rc::new(entries.collect())))
        }
        // A list or a scalar is replaced as a whole.
        _ => own.with(over.data.clone()),
    }
}

/// `values` with `version` wherever a repository has an empty tag, which is
/// what charts mean by that.
fn tagged(values: &Node, version: &str) -> Node {
    match &values.data {
        Data::Mapping(entries) => {
            let has_repository = values.get("repository").is_some_and(|r| r.text().is_some());
            let is_bare = values.get("digest").is_none_or(|digest| digest.text().is_none());
            let entries = entries.iter().map(|(key, value)| {
                let is_empty = matches!(&value.data, Data::Scalar { .. }) && value.text().is_none();
                let is_tag = key.scalar() == Some("tag") && is_empty;
                let value = match is_tag && has_repository && is_bare {
                    true => value.saying(version),
                    false => tagged(value, version),
                };
                (key.clone(), value)
            });
            values.with(Data::Mapping(Rc::new(entries.collect())))
        }
        Data::Sequence(items) => values.with(Data::Sequence(Rc::new(
            items.iter().map(|item| tagged(item, version)).collect(),
        ))),
        Data::Scalar { .. } => values.clone(),
    }
}
