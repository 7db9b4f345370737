//! One file per command.

pub(crate) mod build;
pub(crate) mod dev_forward;
pub(crate) mod doctor;
pub(crate) mod images;
pub(crate) mod init;
pub(crate) mod iso_boot;
pub(crate) mod iso_build;
pub(crate) mod iso_customize;
pub(crate) mod iso_diff;
pub(crate) mod iso_fleet;
pub(crate) mod iso_inject;
pub(crate) mod iso_inspect;
pub(crate) mod iso_key;
pub(crate) mod iso_netboot;
pub(crate) mod iso_verify;
pub(crate) mod prune;
pub(crate) mod push;
pub(crate) mod save;
pub(crate) mod upload_profile;
pub(crate) mod user_data_check;
pub(crate) mod user_data_fleet;
pub(crate) mod user_data_inject;
pub(crate) mod user_data_merge;
pub(crate) mod user_data_remove;
pub(crate) mod user_data_show;
pub(crate) mod verify;
