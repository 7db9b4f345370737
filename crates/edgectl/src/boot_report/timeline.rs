//! A run as a plot: a lane for each phase, a mark for each event, a bar for
//! each pull.

use edgectl_model::NodeEvent;
use edgectl_qemu::PhaseReport;
use minijinja::{Value, context};

/// Width of the plot, in its own units.
const WIDTH: f64 = 1000.0;
/// Steps of the scale that people can read, in seconds.
const STEPS: [f64; 7] = [1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0];
/// More marks than this crowd the scale.
const MARKS: f64 = 12.0;

/// The plot.
#[derive(Debug)]
pub(super) struct Timeline {
    scale: Vec<Mark>,
    lanes: Vec<Lane>,
}

/// One phase.
#[derive(Debug)]
struct Lane {
    name: String,
    width: f64,
    marks: Vec<Mark>,
}

/// Something at a time, or over one.
#[derive(Debug)]
struct Mark {
    x: f64,
    width: f64,
    label: String,
    /// `step`, `pull` or `fault`.
    kind: &'static str,
}

impl Timeline {
    /// For the template.
    pub(super) fn value(&self) -> Value {
        let lane = |lane: &Lane| {
            let marks: Vec<Value> = lane.marks.iter().map(Mark::value).collect();
            context! { name => &lane.name, width => lane.width, marks }
        };
        let lanes: Vec<Value> = self.lanes.iter().map(lane).collect();
        let scale: Vec<Value> = self.scale.iter().map(Mark::value).collect();
        context! { scale, lanes }
    }
}

impl Mark {
    fn value(&self) -> Value {
        context! { x => self.x, width => self.width, label => &self.label, kind => self.kind }
    }
}

pub(super) fn timeline(phases: &[PhaseReport]) -> Timeline {
    let longest = phases.iter().map(|phase| phase.seconds).fold(1.0, f64::max);
    let x = |seconds: f64| seconds.clamp(0.0, longest) / longest * WIDTH;
    let step = STEPS.into_iter().find(|step| longest / step <= MARKS).unwrap_or(3600.0);
    let marks = (0..=(longest / step) as u32).map(|n| f64::from(n) * step);
    let scale = marks.map(|at| mark(x(at), 0.0, format!("{at:.0} s"), "step")).collect();
    let lanes = phases.iter().map(|phase| Lane {
        name: phase.name.clone(),
        width: x(phase.seconds),
        marks: phase.events.iter().map(|timed| of_event(timed.at, &timed.event, &x)).collect(),
    });
    Timeline { scale, lanes: lanes.collect() }
}

fn of_event(at: f64, event: &NodeEvent, x: &dyn Fn(f64) -> f64) -> Mark {
    let label = format!("{at:.1} s: {event}");
    match event {
        NodeEvent::ImagePulled { seconds, .. } => {
            let start = x(at - seconds);
            mark(start, (x(at) - start).max(1.0), label, "pull")
        }
        NodeEvent::ImageFailed { .. }
        | NodeEvent::ContainerFailed { .. }
        | NodeEvent::Failed { .. } => mark(x(at), 3.0, label, "fault"),
        _ => mark(x(at), 2.0, label, "step"),
    }
}

fn mark(x: f64, width: f64, label: String, kind: &'static str) -> Mark {
    Mark { x, width, label, kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pulls_are_bars_inside_the_plot() {
        let (_, phases, _) = super::super::tests::run();
        let plot = timeline(&phases);
        let lane = &plot.lanes[0];
        assert_eq!((lane.width, lane.marks[0].kind), (WIDTH, "pull"));
        assert_eq!((lane.marks[0].x, lane.marks[0].width), (700.0, 50.0));
        assert_eq!(plot.scale.last().unwrap().label, "40 s");
    }
}
