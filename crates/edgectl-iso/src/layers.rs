//! Layers of an image, read entry by entry.

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

use edgectl_process::interrupted;
use tar::{Archive, Entry};

use crate::error::IsoError;
use crate::pax::Records;

/// The name and the attributes of one entry are held in memory: no more than
/// this, whatever the layer claims or sends.
const MAX_DESCRIPTION: u64 = 1 << 20;
pub(crate) const BLOCK: u64 = 512;

/// Gives the layers of an image, lowest first, as uncompressed tar streams.
pub trait LayerSource: Sync {
    /// Number of layers.
    fn count(&self) -> usize;
    /// Opens a layer; called once or twice for each.
    fn open(&self, index: usize) -> io::Result<Box<dyn Read + '_>>;
    /// Whether its digests are known once it has been read: what a system is
    /// made of is then asked after the packing, and beside it otherwise.
    fn tells_inputs_afterwards(&self) -> bool {
        false
    }
    /// Paths of directories that are there even if no layer speaks of them.
    fn implied(&self) -> &[&str] {
        &[]
    }
}

/// Where an entry stands: layer and position in it, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin {
    pub(crate) layer: usize,
    position: usize,
}

impl Origin {
    /// The error for something wrong with this entry's layer.
    pub(crate) fn wrong(self, source: io::Error) -> IsoError {
        wrong(self.layer, source)
    }
}

/// The layer with index `layer` can't be read.
pub(crate) fn wrong(layer: usize, source: io::Error) -> IsoError {
    IsoError::Layer { layer: layer + 1, source }
}

/// An entry while its layer is read.
pub(crate) struct LayerEntry<'a, 'b> {
    pub(crate) origin: Origin,
    pub(crate) entry: Entry<'a, Bounded<'b>>,
    pub(crate) records: Records,
}

/// Calls `visit` for every entry that describes a file.
pub(crate) fn for_each_entry<E: From<IsoError>>(
    layers: &dyn LayerSource,
    layer: usize,
    mut visit: impl FnMut(LayerEntry<'_, '_>) -> Result<(), E>,
) -> Result<(), E> {
    let wrong = |source| wrong(layer, source);
    let window = Rc::new(Window::default());
    let inner = layers.open(layer).map_err(wrong)?;
    let mut archive = Archive::new(Bounded { inner, at: 0, window: Rc::clone(&window) });
    let mut entries = archive.entries().map_err(wrong)?;
    let mut content_end = 0;
    for position in 0.. {
        interrupted().map_err(IsoError::from)?;
        window.open(content_end);
        let Some(entry) = entries.next() else { break };
        let description = window.close();
        let entry = entry.map_err(wrong)?;
        content_end = stored_end(&entry).map_err(wrong)?;
        if !entry.header().entry_type().is_pax_global_extensions() {
            let records = Records::read(&description, &entry).map_err(wrong)?;
            visit(LayerEntry { origin: Origin { layer, position }, entry, records })?;
        }
    }
    window.close();
    // What follows the end marker must be read too: a digest is checked at
    // the end of the stream.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(wrong)?;
    Ok(())
}

/// Where the entry's content ends in the layer, filled up to a whole block.
fn stored_end(entry: &Entry<'_, Bounded<'_>>) -> io::Result<u64> {
    let size = match entry.header().entry_type().is_gnu_sparse() {
        true => entry.header().entry_size()?,
        false => entry.size(),
    };
    let size = size.checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
    Ok(entry.raw_file_position().saturating_add(size))
}

/// The part of a layer that describes the next entry.
#[derive(Default)]
struct Window {
    from: Cell<Option<u64>>,
    seen: RefCell<Vec<u8>>,
}

impl Window {
    fn open(&self, from: u64) {
        self.seen.borrow_mut().clear();
        self.from.set(Some(from));
    }

    fn close(&self) -> Vec<u8> {
        self.from.set(None);
        self.seen.take()
    }
}

/// A layer whose descriptions are kept, up to a limit.
pub(crate) struct Bounded<'a> {
    inner: Box<dyn Read + 'a>,
    at: u64,
    window: Rc<Window>,
}

impl Read for Bounded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(from) = self.window.from.get() else {
            let n = self.inner.read(buffer)?;
            self.at += n as u64;
            return Ok(n);
        };
        // What is left of the content before is skipped first.
        let limit = if self.at < from { from } else { from.saturating_add(MAX_DESCRIPTION) };
        let left = limit.saturating_sub(self.at);
        if left == 0 {
            let text = "the name and attributes of an entry take more than 1 MiB";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let room = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let n = self.inner.read(&mut buffer[..room])?;
        if self.at >= from {
            self.window.seen.borrow_mut().extend_from_slice(&buffer[..n]);
        }
        self.at += n as u64;
        Ok(n)
    }
}
