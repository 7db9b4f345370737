//! Exit codes: part of the interface.

/// Everything was done.
pub(crate) const DONE: u8 = 0;
/// It failed.
pub(crate) const FAILED: u8 = 1;
/// The command line or `edge.yaml` is wrong.
pub(crate) const USAGE: u8 = 2;
/// It was checked and found wrong.
pub(crate) const FOUND_WRONG: u8 = 3;
/// Some of it was done; running it again goes on.
pub(crate) const PARTLY: u8 = 4;
/// Somebody refused: the registry a login, or we to overwrite something.
pub(crate) const REFUSED: u8 = 5;
/// A bug.
pub(crate) const BUG: u8 = 70;
/// Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// For `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
    0  done                        4  partly done; run it again to go on
    1  failed                      5  refused (login, overwriting)
    2  wrong usage or edge.yaml   70  a bug in edgectl
    3  checked and found wrong   130  interrupted";
