//! What goes onto an image of others, wherever it will be.

use super::CustomizeRequest;
use super::medium::{self, Flavor, Places};
use super::menus::{self, Menu, Menus, Texts, Wish};
use super::plan::Base;
use super::sums::{List, lists};
use super::{frame, loader};
use crate::area::{Area, AreaKind, NETWORK_ROOM, SEAL, SEAL_ROOM};
use crate::disc::{Disc, DiscEntry, Kind};
use crate::error::IsoError;
use crate::live::KAIROS_LIMIT;

/// cloud-init wants some.
const META_DATA: &[u8] = b"instance-id: edgectl-installer\n";

/// A file that is put there.
pub(super) struct Content {
    /// From the root, without a slash in front.
    pub(super) path: String,
    pub(super) bytes: Vec<u8>,
    /// Its permissions.
    pub(super) mode: u32,
    /// Whether it may hold passwords.
    pub(super) is_private: bool,
}

/// What goes onto the image, wherever it will be.
pub(super) struct Contents {
    pub(super) files: Vec<Content>,
    pub(super) areas: Vec<Area>,
    /// Other user data, which the image has had and keeps.
    pub(super) others: Vec<String>,
    pub(super) menus: Vec<Menu>,
    /// Menus that stay as they are, and why.
    pub(super) left: Vec<(String, &'static str)>,
    pub(super) places: Places,
    pub(super) flavor: Flavor,
    /// Whether a system that is started from the image reads the user data.
    pub(super) is_live: bool,
    /// Whether a menu that can't be changed asks for a check of the medium
    /// that finds no digest any more.
    pub(super) is_checking: bool,
}

impl Contents {
    /// A file's bytes with its areas empty.
    pub(super) fn empty(&self, content: &Content) -> Vec<u8> {
        let mut bytes = content.bytes.clone();
        for area in self.areas.iter().filter(|area| area.path == content.path) {
            let empty = area.empty().unwrap_or_default();
            let start = area.offset as usize;
            if let Some(place) = bytes.get_mut(start..start + empty.len()) {
                place.copy_from_slice(&empty);
            }
        }
        bytes
    }
}

/// What goes onto an image.
pub(super) fn contents(
    base: &Base<'_>,
    request: &CustomizeRequest<'_>,
) -> Result<Contents, IsoError> {
    let Base { disc, entries, trees, .. } = base;
    let is_reached = |path: &str| base.reaches(path);
    let is_digest_erased = frame::has_media_digest(trees);
    let wish = Wish { argument: None, keeps_checks: !is_digest_erased };
    let texts = Texts::read(disc, entries)?;
    let mut menus = menus::menus(&texts, &is_reached, wish)?;
    let flavor = request.flavor.unwrap_or_else(|| medium::flavor(disc, entries, &menus.with_room));
    let text = request.user_data.unwrap_or_default();
    let room = request.user_data_room;
    if flavor == Flavor::Kairos && room > KAIROS_LIMIT {
        return Err(IsoError::KairosLimit { room });
    }
    let mut places = medium::places(flavor, disc.label(), text);
    let is_live_system = [Flavor::Ubuntu, Flavor::DebianLive].contains(&flavor);
    if is_live_system && medium::has_cloud_init(disc, entries)? == Some(false) {
        places.doubt = Some(medium::NO_CLOUD_INIT);
    }
    if places.argument.is_some() {
        let wish = Wish { argument: places.argument, ..wish };
        menus = menus::menus(&texts, &is_reached, wish)?;
    }
    let Menus { with_room: menus, left } = menus;
    if !request.kernel_arguments.is_empty() && menus.is_empty() {
        return Err(IsoError::NoMenu);
    }
    if !request.kernel_arguments.is_empty() || places.argument.is_some() {
        ensure_no_other_menu(disc, entries)?;
    }
    let is_checking = is_digest_erased
        && loader::has(disc, entries, &|loader| medium::holds(loader, "rd.live.check"))?;
    // Whichever entry is started.
    let is_told = places.argument.is_none()
        || !menus.is_empty()
            && left.is_empty()
            && menus.iter().all(|menu| menu.shut + menu.strangers == 0);
    let is_live = places.doubt.is_none() && is_told;
    let mut areas = Vec::new();
    let data = Area::new(AreaKind::UserData, places.user_data, 0, request.user_data_room);
    if let Some(text) = request.user_data {
        data.user_data(text)?;
    }
    for area in menus.iter().flat_map(|menu| &menu.areas) {
        area.kernel_arguments(request.kernel_arguments)?;
    }
    areas.push(Area::new(AreaKind::Seal, SEAL, 0, SEAL_ROOM));
    let mut files = vec![file(SEAL, areas[0].empty().unwrap_or_default(), 0o444)];
    files.extend(seed(&places, request, flavor)?);
    files.extend(menus.iter().map(|menu| file(&menu.path, menu.bytes.clone(), menu.mode)));
    files.push(private(places.user_data, data.empty().unwrap_or_default()));
    let changed: Vec<(&str, &[u8])> =
        files.iter().map(|file| (file.path.as_str(), file.bytes.as_slice())).collect();
    let lists = lists(disc, entries, &changed)?;
    areas.push(data);
    areas.extend(network(&places, request)?);
    areas.extend(menus.iter().flat_map(|menu| menu.areas.clone()));
    areas.extend(lists.iter().flat_map(|list| list.areas.clone()));
    let sums = lists.into_iter().map(|List { path, bytes, mode, .. }| file(&path, bytes, mode));
    files.splice(1..1, sums);
    let others = others(entries, &files);
    Ok(Contents { others, files, areas, menus, left, places, flavor, is_live, is_checking })
}

fn file(path: &str, bytes: Vec<u8>, mode: u32) -> Content {
    Content { path: path.to_owned(), bytes, mode, is_private: false }
}

fn private(path: &str, bytes: Vec<u8>) -> Content {
    Content { is_private: true, ..file(path, bytes, 0o600) }
}

/// Files that some system reads user data from.
const USER_DATA_FILES: [&str; 7] = [
    "config.yaml",
    "iso-config/config.yaml",
    "user-data",
    "nocloud/user-data",
    "cidata/user-data",
    "combustion/script",
    "ignition/config.ign",
];

/// User data that the image has in other places than what is put there.
fn others(entries: &[(String, DiscEntry)], files: &[Content]) -> Vec<String> {
    let is_new = |path: &str| files.iter().any(|file| file.path == path);
    let is_there = |path: &&str| {
        let is_it = |(found, entry): &(String, DiscEntry)| {
            found.trim_start_matches('/') == *path && entry.kind == Kind::File && entry.bytes > 0
        };
        !is_new(path) && entries.iter().any(is_it)
    };
    USER_DATA_FILES.iter().copied().filter(is_there).map(str::to_owned).collect()
}

/// NoCloud's other files.
fn seed(
    places: &Places,
    request: &CustomizeRequest<'_>,
    flavor: Flavor,
) -> Result<Vec<Content>, IsoError> {
    let given = [("meta-data", request.meta_data), ("network-config", request.network_config)];
    let Some(directory) = places.seed else {
        let what = given.into_iter().find(|(_, content)| content.is_some());
        return what.map_or(Ok(Vec::new()), |(what, _)| Err(IsoError::NoPlace { what, flavor }));
    };
    // They may hold passwords, too.
    let meta = request.meta_data.unwrap_or(META_DATA);
    let mut files = vec![private(&format!("{directory}meta-data"), meta.to_vec())];
    if let Some(area) = network(places, request)? {
        files.push(private(&area.path, area.empty().unwrap_or_default()));
    }
    Ok(files)
}

/// Room for a network configuration, where there is one.
fn network(places: &Places, request: &CustomizeRequest<'_>) -> Result<Option<Area>, IsoError> {
    let (Some(directory), Some(text)) = (places.seed, request.network_config) else {
        return Ok(None);
    };
    let path = format!("{directory}network-config");
    let area = Area::new(AreaKind::NetworkConfig, &path, 0, NETWORK_ROOM);
    area.network_config(text)?;
    Ok(Some(area))
}

/// Kernel arguments need all menus.
fn ensure_no_other_menu(disc: &Disc, entries: &[(String, DiscEntry)]) -> Result<(), IsoError> {
    let is_menu = |loader: &[u8]| {
        let words = ["menuentry '", "menuentry \""];
        words.iter().any(|word| medium::holds(loader, word))
            || menus::has_entry(loader)
            || menus::has_unified_kernel(loader)
    };
    match loader::has(disc, entries, &is_menu)? {
        true => Err(IsoError::MenuInLoader),
        false => Ok(()),
    }
}
