//! A folder of images by class.

use super::class_folders::{is_folder, list};
use super::entry::DatasetEntry;
use super::files::name_of;
use super::read_listing;

/// `folder:DIRECTORY`: `train/<class>/*`, `val/<class>/*` and `test/<class>/*`, or `<class>/*`, of which
/// [`LoadOptions::test_fraction`](super::LoadOptions::test_fraction) becomes the test part. A search scores on `val` if it is
/// there. Files named png, jpg, jpeg or bmp are taken in the order of their names, as a viewer shows them on white: turned
/// as Exif says, transparency laid on white. The middle square is scaled to
/// [`LoadOptions::image_size`](super::LoadOptions::image_size); one channel if all are grey, else three.
pub(super) const ENTRY: DatasetEntry = DatasetEntry {
    name: "folder",
    about: "a folder of images (png, jpeg, bmp) a class",
    places: &["DIRECTORY"],
    format: None,
    is_in: |directory| Ok(is_folder(directory)),
    files: |place, _| list(place.path())?.present(),
    read: |place, options| {
        options.check()?;
        let name = Some(name_of(place.path())).filter(|name| !name.is_empty());
        read_listing::read(name.as_deref().unwrap_or("folder"), list(place.path())?, options)
    },
    list: Some(|place, _| list(place.path())),
};
