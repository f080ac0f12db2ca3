//! Weights and training state in safetensors files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use bonas_study::journal::synced;
use tch::Tensor;

use super::error::{Result, SupernetError};
use super::net::Supernet;
use super::optim::Optimizer;
use super::transfer::{copy_all, on_host};

/// What the names of an optimiser's tensors begin with.
const OPTIMIZER: &str = "optimizer.";
const PROGRESS: &str = "progress";

/// How far a training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Whole epochs done.
    pub epoch: u64,
    /// Steps done in the epoch.
    pub step: u64,
}

/// Writes all that a training needs to go on exactly as if it had not stopped: parameters, running
/// statistics, the optimiser's state, progress, and whatever `others` there are. The file appears whole or not
/// at all.
///
/// # Errors
/// [`SupernetError::Io`] or [`SupernetError::Checkpoint`] naming the file.
pub fn save(
    path: &Path,
    net: &Supernet,
    optimizer: &dyn Optimizer,
    progress: Progress,
    others: &[(String, Tensor)],
) -> Result<()> {
    let mut tensors = weights(net);
    tensors.extend(others.iter().map(|(name, tensor)| (name.clone(), tensor.detach())));
    tensors.extend(state(optimizer));
    let counts = [progress.epoch as i64, progress.step as i64];
    tensors.push((PROGRESS.to_owned(), Tensor::f_from_slice(&counts)?)); // [2]
    write_tensors(path, &tensors)
}

/// Reads what [`save`] wrote into a network, its optimiser and `others`; on an error all stay as
/// they were.
///
/// # Errors
/// [`SupernetError::Checkpoint`] for a damaged file or one of another network, naming the tensor.
pub fn load(
    path: &Path,
    net: &Supernet,
    optimizer: &dyn Optimizer,
    others: &[(String, Tensor)],
) -> Result<Progress> {
    load_older(path, net, optimizer, others, &[])
}

/// Reads a file as [`load`] does, which an earlier version may have written: those of `others` that are named in
/// `optional` may be missing, and then stay as they were.
///
/// # Errors
/// Those of [`load`].
pub fn load_older(
    path: &Path,
    net: &Supernet,
    optimizer: &dyn Optimizer,
    others: &[(String, Tensor)],
    optional: &[&str],
) -> Result<Progress> {
    let mut file = read_tensors(path)?;
    let counts =
        file.remove(PROGRESS).ok_or_else(|| bad(path, "it holds weights only, no training state"))?;
    let counts: Vec<i64> =
        Vec::try_from(&counts).map_err(|_| bad(path, "its progress record is damaged; remove the file"))?;
    let [epoch, step] = counts[..] else {
        return Err(bad(path, "its progress record is damaged; remove the file"));
    };
    let mut targets = weights(net);
    let there = |name: &String| file.contains_key(name) || !optional.contains(&name.as_str());
    let others = others.iter().filter(|(name, _)| there(name));
    targets.extend(others.map(|(name, tensor)| (name.clone(), tensor.detach())));
    targets.extend(state(optimizer));
    fill_tensors(path, &targets, file)?;
    Ok(Progress { epoch: epoch as u64, step: step as u64 })
}

/// Writes parameters and running statistics, each under its name, for use elsewhere.
///
/// # Errors
/// [`SupernetError::Io`] or [`SupernetError::Checkpoint`] naming the file.
pub fn save_weights(path: &Path, net: &Supernet) -> Result<()> {
    write_tensors(path, &weights(net))
}

/// Reads parameters and running statistics from a file of [`save_weights`], or of [`save`] without
/// `others`; on an error the network stays as it was.
///
/// # Errors
/// [`SupernetError::Checkpoint`] for a damaged file or one of another network, naming the tensor.
pub fn load_weights(path: &Path, net: &Supernet) -> Result<()> {
    let mut file = read_tensors(path)?;
    file.remove(PROGRESS);
    file.retain(|name, _| !name.starts_with(OPTIMIZER));
    fill_tensors(path, &weights(net), file)
}

/// An optimiser's state under its names in a file.
fn state(optimizer: &dyn Optimizer) -> impl Iterator<Item = (String, Tensor)> {
    optimizer.state().into_iter().map(|(name, tensor)| (format!("{OPTIMIZER}{name}"), tensor))
}

/// Parameters and running statistics under their names; the tensors share the network's memory.
pub(super) fn weights(net: &Supernet) -> Vec<(String, Tensor)> {
    let params = net.params().iter().map(|(name, tensor)| (name.to_owned(), tensor.detach()));
    let running = net.running().flat_map(|(norm, mean, variance)| {
        let mean = (format!("{}.running_mean", norm.name), mean.shallow_clone());
        [mean, (format!("{}.running_var", norm.name), variance.shallow_clone())]
    });
    params.chain(running).collect()
}

fn bad(path: &Path, reason: impl Into<String>) -> SupernetError {
    SupernetError::Checkpoint { path: path.to_owned(), reason: reason.into() }
}

pub(crate) fn read_tensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    // Opened here so that a missing file is told from a damaged one.
    File::open(path).map_err(|source| SupernetError::Io { path: path.to_owned(), source })?;
    let tensors = Tensor::read_safetensors(path)
        .map_err(|e| bad(path, format!("not a whole safetensors file ({e}); remove it")))?;
    Ok(tensors.into_iter().collect())
}

/// Copies every tensor of a file to its target, once all are known to fit.
pub(crate) fn fill_tensors(
    path: &Path,
    targets: &[(String, Tensor)],
    mut file: BTreeMap<String, Tensor>,
) -> Result<()> {
    let mut pairs = Vec::with_capacity(targets.len());
    for (name, target) in targets {
        let source = file.remove(name).ok_or_else(|| {
            bad(path, format!("it has no {name}: it is of another network, or of other settings"))
        })?;
        if source.size() != target.size() || source.kind() != target.kind() {
            let (found, wanted) = ((source.kind(), source.size()), (target.kind(), target.size()));
            return Err(bad(path, format!("{name} is {found:?}, the network's {wanted:?}")));
        }
        pairs.push((target.shallow_clone(), source));
    }
    if let Some(name) = file.keys().next() {
        return Err(bad(path, format!("it has {name}, which this network has not")));
    }
    copy_all(pairs)
}

pub(crate) fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    let tensors = on_host(tensors)?;
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let temporary = PathBuf::from(temporary);
    let written = Tensor::write_safetensors(&tensors, &temporary).map_err(|e| bad(path, e.to_string()));
    let moved = written.and_then(|()| {
        replace(&temporary, path).map_err(|source| SupernetError::Io { path: path.to_owned(), source })
    });
    if moved.is_err() {
        // The error that stopped us says more than one about the remains.
        let _ = fs::remove_file(&temporary);
    }
    moved
}

/// Puts a finished file in place: data on disk first, then the name, then the folder.
fn replace(temporary: &Path, path: &Path) -> io::Result<()> {
    synced(&File::open(temporary)?)?;
    fs::rename(temporary, path)?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    synced(&File::open(folder)?).map(drop)
}
