//! The figures, for people.

use super::judge::{Ratio, Score};

/// One case on one line, and what is wrong with it below.
pub(super) fn print(name: &str, score: &Score) {
    println!(
        "{name:<44} pods {:>7}  declared {:>7} (used {:>7})  published {:>7}  precise {:>7}",
        of(score.pods),
        of(score.declared),
        of(score.used),
        of(score.published),
        of(score.precise),
    );
    for image in &score.missed {
        println!("    missed       {image}");
    }
    for image in &score.unexplained {
        println!("    unexplained  {image}");
    }
    for image in &score.named_nowhere {
        println!("    published, but nowhere in the manifests: {image}");
    }
}

/// The sums; says whether they are good enough.
pub(super) fn print_total(cases: usize, total: &Score, wanted: f64) -> bool {
    let lines = [
        ("recall", total.recall()),
        ("  of pod specifications", total.pods),
        ("  of declared images", total.declared),
        ("  of published images", total.published),
        ("precision", total.precise),
        ("declared images that were also found in use", total.used),
    ];
    println!("\n{cases} cases");
    for (name, ratio) in lines {
        println!("{name:<44} {:>9}  {:6.2} %", of(ratio), 100.0 * ratio.share());
    }
    let is_complete = total.pods.good == total.pods.all;
    is_complete && total.recall().share() >= wanted && total.precise.share() >= wanted
}

fn of(ratio: Ratio) -> String {
    format!("{}/{}", ratio.good, ratio.all)
}
