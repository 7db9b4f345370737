//! The page as a real browser lays it out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use edgectl_process::{Cmd, Tool};
use serde_json::Value;

use super::html::html;
use super::tests::run;

const CHROMIUM: Tool = Tool {
    name: "chromium",
    package: "chromium",
    purpose: "looking at reports in tests",
    version: &["--version"],
};

/// Measures the page and leaves the result in its title.
const MEASURE: &str = r"<script>
const seen = element => element.getBoundingClientRect();
const all = selector => [...document.querySelectorAll(selector)];
const plot = seen(document.getElementById('timeline'));
const inside = box => box.width > 0 && box.height > 0 && box.left >= plot.left && box.right <= plot.right;
document.title = JSON.stringify({
  wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  plot: [plot.width, plot.height],
  lanes: all('#timeline .lane').map(seen).filter(inside).length,
  pulls: all('#timeline .pull').map(seen).filter(inside).length,
  order: all('h1, h2').sort((a, b) => seen(a).top - seen(b).top).map(heading => heading.textContent.trim()),
  rows: all('#images tr').length,
  broken: [...document.images].filter(image => !image.complete || image.naturalWidth == 0).length,
  pictures: document.images.length,
  fetched: performance.getEntriesByType('resource').filter(entry => !entry.name.startsWith('data:')).length,
});
</script>";

/// A picture of one dot, as PNG in base64.
const PICTURE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==";

fn measured(page: &str, width: u32) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.html");
    std::fs::write(&file, page.replace("</body>", &format!("{MEASURE}</body>"))).unwrap();
    let cmd: Cmd = CHROMIUM.cmd().unwrap_or_else(|error| panic!("{error}"));
    let cmd = cmd
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", directory.path().join("profile").display()))
        .arg(format!("--window-size={width},900"))
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("file://{}", file.display()));
    let dom = String::from_utf8(cmd.read_stdout().unwrap()).unwrap();
    let title = dom.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    serde_json::from_str(title.unwrap().0).unwrap_or_else(|error| panic!("{error} in {dom}"))
}

#[test]
fn the_page_is_whole_on_wide_and_narrow_screens() {
    let (rows, phases, findings) = run();
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("prove")).unwrap();
    std::fs::write(directory.path().join("prove/screen.png"), STANDARD.decode(PICTURE).unwrap())
        .unwrap();
    let page = html(&rows, &phases, &findings, directory.path()).unwrap();
    for width in [1400, 600] {
        let seen = measured(&page, width);
        let order = ["FAILED", "Diagnosis", "Timeline", "Images", "prove: 40 s"];
        assert_eq!(seen["order"], serde_json::json!(order), "{seen:#}");
        assert_eq!(seen["wider"], 0, "nothing is cut off: {seen:#}");
        assert_eq!((&seen["lanes"], &seen["pulls"]), (&1.into(), &1.into()), "{seen:#}");
        assert!(seen["plot"][0].as_f64().unwrap() > f64::from(width) * 0.5, "{seen:#}");
        assert_eq!((&seen["pictures"], &seen["broken"]), (&1.into(), &0.into()), "{seen:#}");
        assert_eq!((&seen["rows"], &seen["fetched"]), (&3.into(), &0.into()), "{seen:#}");
    }
}
