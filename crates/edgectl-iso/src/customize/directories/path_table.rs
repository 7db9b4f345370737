//! The path table: all directories of a tree once more.

use std::collections::VecDeque;

use edgectl_process::interrupted;

use super::Editor;
use crate::disc::raw::RawRecord;
use crate::error::IsoError;

impl Editor<'_> {
    /// All directories, level by level, little endian and big endian.
    pub(super) fn path_table(&self) -> Result<[Vec<u8>; 2], IsoError> {
        let mut waiting = VecDeque::from([(1, vec![0], Some(0), self.nodes[0].at)]);
        let (mut tables, mut number) = ([Vec::new(), Vec::new()], 0_u16);
        while let Some((parent, id, node, at)) = waiting.pop_front() {
            interrupted()?;
            number =
                number.checked_add(1).ok_or_else(|| self.disc.damaged("too many directories"))?;
            let block = self.block(at);
            let head = [id.len() as u8, 0];
            let filler = vec![0; id.len() % 2];
            let bytes = |block: [u8; 4], parent: [u8; 2]| {
                [&head[..], &block, &parent, &id, &filler].concat()
            };
            tables[0].extend(bytes(block.to_le_bytes(), u16::to_le_bytes(parent)));
            tables[1].extend(bytes(block.to_be_bytes(), u16::to_be_bytes(parent)));
            let node = node.and_then(|node: usize| self.nodes.get(node));
            let records = match node {
                Some(node) => node.records.clone(),
                None => self.tree.records(self.disc, at)?,
            };
            let mut below: Vec<&RawRecord> =
                records.iter().skip(2).filter(|record| record.is_directory()).collect();
            below.sort_by(|a, b| a.id().cmp(b.id()));
            for record in below {
                let child = node.and_then(|node| node.children.get(record.id()).copied());
                let place = match child {
                    Some(child) => self.nodes[child].at,
                    None => self.tree.place_of(self.disc, record)?,
                };
                waiting.push_back((number, record.id().to_vec(), child, place));
            }
        }
        Ok(tables)
    }
}
