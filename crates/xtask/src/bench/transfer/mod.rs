//! Mirroring images, against every other program for it that is installed:
//! the same images, the same registries, in turns.

mod line;
mod run;
mod tools;
mod world;

use std::path::Path;
use std::time::Duration;

use edgectl_process::interrupted;

use run::{Figures, run};
use tools::{Tool, found};
use world::{Set, World};

use crate::cargo::{cargo, root, target_directory};
use crate::setup;
use crate::{Result, say};

/// One way of a line with 40 ms there and back.
const LONG: Duration = Duration::from_millis(20);

pub(super) fn bench(rounds: u32) -> Result {
    setup::packages()?;
    say("building edgectl as it is released");
    cargo().args(["build", "--release", "--package", "edgectl"]).ensure_success()?;
    let edgectl = target_directory()?.join("release/edgectl");
    let directory = root().join("target/bench/transfer");
    for (line, delay) in [("loopback", Duration::ZERO), ("40 ms round trip", LONG)] {
        say(&format!("filling the source registry ({line})"));
        let mut world = World::new(&directory.join(short(line)), edgectl.clone(), delay)?;
        measure(&mut world, Set::Twelve, rounds, &format!("12 images, 168 MiB unique, {line}"))?;
        if delay.is_zero() {
            measure(&mut world, Set::Large, rounds, "1 image with a layer of 512 MiB, loopback")?;
        } else {
            measure_again(
                &mut world,
                Set::Hundred,
                &format!("100 small images, {line}, once each"),
            )?;
        }
    }
    Ok(())
}

fn short(line: &str) -> &Path {
    Path::new(line.split(' ').next().unwrap_or(line))
}

/// All tools on one set, first into an empty registry and then once more.
fn measure(world: &mut World, set: Set, rounds: u32, title: &str) -> Result {
    let tools = found();
    let mut fresh: Vec<Vec<Figures>> = tools.iter().map(|_| Vec::new()).collect();
    let mut again = fresh.clone();
    // The first round fills the caches and doesn't count.
    for round in 0..=rounds {
        for (n, tool) in tools.iter().enumerate() {
            interrupted()?;
            world.begin_anew()?;
            let jobs = World::jobs(set);
            let first = run(world, tool, &jobs)?;
            let second = run(world, tool, &jobs)?;
            if let (1.., Some(fresh), Some(again)) = (round, fresh.get_mut(n), again.get_mut(n)) {
                fresh.push(first);
                again.push(second);
            }
        }
    }
    print(&format!("{title}: first run"), &tools, &fresh);
    print(&format!("{title}: run again"), &tools, &again);
    Ok(())
}

/// All tools once on images that are there already: ours brings them.
fn measure_again(world: &mut World, set: Set, title: &str) -> Result {
    let tools = found();
    let jobs = World::jobs(set);
    world.begin_anew()?;
    let ours = tools.first().into_iter();
    ours.map(|tool| run(world, tool, &jobs)).collect::<Result<Vec<_>>>()?;
    let mut again = Vec::new();
    for tool in &tools {
        interrupted()?;
        again.push(vec![run(world, tool, &jobs)?]);
    }
    print(title, &tools, &again);
    Ok(())
}

fn print(title: &str, tools: &[Tool], figures: &[Vec<Figures>]) {
    say(title);
    let medians: Vec<Option<Figures>> = figures.iter().map(|runs| Figures::median(runs)).collect();
    let ours = medians.first().copied().flatten().map_or(f64::NAN, |figures| figures.seconds);
    for (tool, figures) in tools.iter().zip(&medians) {
        let Some(figures) = figures else { continue };
        say(&format!(
            "  {:<18} {:7.2} s   {:5} requests   {:7.1} MiB sent   {:6.1} MiB memory   ours/theirs {:.2}",
            tool.name,
            figures.seconds,
            figures.requests,
            figures.sent as f64 / f64::from(1 << 20),
            figures.peak_kib as f64 / 1024.0,
            ours / figures.seconds,
        ));
    }
}
