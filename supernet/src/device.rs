//! Devices of libtorch: finding them, and loading what makes libtorch show its GPUs.
//!
//! Use [`devices`] to turn a text such as `auto` or `cuda:0,1` into devices. The linker drops `libtorch_cuda` because nothing
//! refers to it by name, so a binary built against a CUDA libtorch sees only the CPU until [`load_cuda_backend`] has run. The
//! same binary then works on machines with and without a GPU.

use std::path::{Path, PathBuf};

use tch::{Device, TchError, Tensor};

/// What was asked for cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// The text names no device.
    #[error("device `{requested}`: {reason}; write `auto`, `cpu`, `cuda` or a list such as `cuda:0,1`")]
    Syntax {
        /// The text as it was given.
        requested: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A GPU was asked for and libtorch sees none.
    #[error(
        "device `{requested}`: libtorch sees no CUDA GPU (backend: {backend}); use `cpu`, or check `nvidia-smi` \
         (driver r580 or newer) and run `cargo xtask setup --gpu` (outside of a clone: `bonas libtorch install --gpu`)"
    )]
    NoGpu {
        /// The text as it was given.
        requested: String,
        /// Whether the CUDA backend was found, and where.
        backend: Backend,
    },
    /// A GPU with this index does not exist.
    #[error("device `{requested}`: no GPU {index}, libtorch sees {count} (0 to {}); see `nvidia-smi -L`", count - 1)]
    NoSuchGpu {
        /// The text as it was given.
        requested: String,
        /// The index that is not there.
        index: usize,
        /// How many GPUs there are, at least 1.
        count: usize,
    },
    /// The CUDA backend is installed but does not load.
    #[error("cannot load {}: {reason}; repeat `cargo xtask setup --gpu`, or use `cpu`", path.display())]
    Backend {
        /// The library that failed.
        path: PathBuf,
        /// The dynamic linker's own words.
        reason: String,
    },
}

/// Whether libtorch's CUDA backend is in the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// Loaded from this file.
    Loaded(PathBuf),
    /// A CPU build of libtorch: there is no such file.
    Absent(PathBuf),
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Loaded(path) => write!(f, "loaded from {}", path.display()),
            Self::Absent(path) => write!(f, "not installed, no {}", path.display()),
        }
    }
}

/// Loads libtorch's CUDA backend, if this libtorch has one; it registers itself and stays for good.
///
/// Must run before libtorch is first asked about devices ([`devices`] sees to that). Calling it again
/// is harmless. Without a GPU or a driver it loads as well, and libtorch then reports no device.
///
/// # Errors
/// [`DeviceError::Backend`] if the library is there but the dynamic linker refuses it.
pub fn load_cuda_backend() -> Result<Backend, DeviceError> {
    let path = library_dir().join("libtorch_cuda.so");
    if !path.exists() {
        return Ok(Backend::Absent(path));
    }
    match load_globally(&path) {
        Ok(()) => Ok(Backend::Loaded(path)),
        Err(error) => Err(DeviceError::Backend { path, reason: error.to_string() }),
    }
}

/// The devices that a user's text asks for, never empty, in the order of the text.
///
/// `auto` is every GPU, else the CPU; `cpu`; `cuda` is every GPU; `cuda:0,2` those of these indices.
/// Only `cpu` leaves the CUDA backend alone.
///
/// # Errors
/// [`DeviceError`] if the text is none of these, or asks for a GPU that is not there.
///
/// # Examples
/// ```
/// let devices = bonas_supernet::device::devices("cpu")?;
/// assert_eq!(devices, [tch::Device::Cpu]);
/// # Ok::<(), bonas_supernet::device::DeviceError>(())
/// ```
pub fn devices(requested: &str) -> Result<Vec<Device>, DeviceError> {
    let request = parse(requested)?;
    if request == Request::Cpu {
        return Ok(vec![Device::Cpu]);
    }
    let backend = load_cuda_backend()?;
    let count = usize::try_from(tch::Cuda::device_count()).unwrap_or(0);
    resolve(requested, &request, count, &backend)
}

/// Lets cuDNN time its algorithms for every size of a layer that it meets, and keep the fastest (`cudnn.benchmark`): training
/// meets the same sizes thousands of times. It holds for all of the process; without a GPU among the devices nothing changes.
pub(crate) fn expect_fixed_sizes(devices: &[Device]) {
    if devices.iter().any(|device| device.is_cuda()) {
        tch::Cuda::cudnn_set_benchmark(true);
    }
}

/// A tensor of the CPU on another device. Nothing waits: a GPU copies it out of pinned memory when its turn has come, after
/// what was asked of it before, and the caller goes on. On the CPU it is the tensor itself.
///
/// # Errors
/// [`TchError`] when memory runs out.
pub(crate) fn sent(host: &Tensor, device: Device) -> Result<Tensor, TchError> {
    match device {
        Device::Cpu => Ok(host.shallow_clone()),
        // Its public sister warns that it is told the device, each time.
        _ => host.f_internal_pin_memory(device)?.f_to_device_(device, host.kind(), true, false),
    }
}

/// A well-formed text, before the machine is asked.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Auto,
    Cpu,
    EveryGpu,
    Gpus(Vec<usize>),
}

fn parse(requested: &str) -> Result<Request, DeviceError> {
    match requested.trim() {
        "auto" => Ok(Request::Auto),
        "cpu" => Ok(Request::Cpu),
        "cuda" => Ok(Request::EveryGpu),
        text => match text.strip_prefix("cuda:") {
            Some(list) => parse_indices(requested, list).map(Request::Gpus),
            None => Err(syntax(requested, "unknown device".to_owned())),
        },
    }
}

fn parse_indices(requested: &str, list: &str) -> Result<Vec<usize>, DeviceError> {
    let mut indices = Vec::new();
    for item in list.split(',') {
        let index = item
            .trim()
            .parse()
            .map_err(|_| syntax(requested, format!("`{item}` is not the index of a GPU")))?;
        if indices.contains(&index) {
            return Err(syntax(requested, format!("GPU {index} stands there twice")));
        }
        indices.push(index);
    }
    Ok(indices)
}

fn syntax(requested: &str, reason: String) -> DeviceError {
    DeviceError::Syntax { requested: requested.to_owned(), reason }
}

fn resolve(
    requested: &str,
    request: &Request,
    count: usize,
    backend: &Backend,
) -> Result<Vec<Device>, DeviceError> {
    let requested = requested.to_owned();
    match request {
        Request::Cpu => Ok(vec![Device::Cpu]),
        Request::Auto if count == 0 => Ok(vec![Device::Cpu]),
        _ if count == 0 => Err(DeviceError::NoGpu { requested, backend: backend.clone() }),
        Request::Auto | Request::EveryGpu => Ok((0..count).map(Device::Cuda).collect()),
        Request::Gpus(indices) => match indices.iter().find(|&&index| index >= count) {
            Some(&index) => Err(DeviceError::NoSuchGpu { requested, index, count }),
            None => Ok(indices.iter().copied().map(Device::Cuda).collect()),
        },
    }
}

/// Folder of the libtorch that this process runs on; where that cannot be told, the one it was built with.
fn library_dir() -> PathBuf {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let loaded = loaded_library(&maps, "libtorch_cpu.so").and_then(Path::parent);
    loaded.map_or_else(|| PathBuf::from(env!("BONAS_LIBTORCH_LIB")), Path::to_path_buf)
}

/// Path of a mapped library by its file name. Format of a line: proc(5), "/proc/pid/maps".
fn loaded_library<'a>(maps: &'a str, name: &str) -> Option<&'a Path> {
    let paths = maps.lines().filter_map(|line| line.find('/').map(|start| Path::new(&line[start..])));
    paths.into_iter().find(|path| path.file_name().is_some_and(|file| file == name))
}

#[cfg(unix)]
fn load_globally(path: &Path) -> Result<(), libloading::Error> {
    use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
    // SAFETY: the library comes from the folder of the libtorch that is already running here, and its
    // initialisers only register the backend with it.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_GLOBAL) }?;
    // What it registered must stay valid until the process ends.
    std::mem::forget(library);
    Ok(())
}

#[cfg(not(unix))]
fn load_globally(path: &Path) -> Result<(), libloading::Error> {
    // SAFETY: as above.
    let library = unsafe { libloading::Library::new(path) }?;
    std::mem::forget(library);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(requested: &str, count: usize) -> Result<Vec<Device>, DeviceError> {
        let backend = Backend::Absent("/lib/libtorch_cuda.so".into());
        resolve(requested, &parse(requested)?, count, &backend)
    }

    fn message(requested: &str, count: usize) -> String {
        resolved(requested, count).map_or_else(|error| error.to_string(), |devices| format!("{devices:?}"))
    }

    #[test]
    fn auto_takes_every_gpu_else_the_cpu() {
        assert_eq!(resolved("auto", 0), Ok(vec![Device::Cpu]));
        assert_eq!(resolved("auto", 2), Ok(vec![Device::Cuda(0), Device::Cuda(1)]));
        assert_eq!(resolved(" cpu ", 2), Ok(vec![Device::Cpu]));
    }

    #[test]
    fn gpus_come_in_the_order_asked_for() {
        assert_eq!(resolved("cuda", 2), Ok(vec![Device::Cuda(0), Device::Cuda(1)]));
        assert_eq!(resolved("cuda:2, 0", 3), Ok(vec![Device::Cuda(2), Device::Cuda(0)]));
    }

    #[test]
    fn errors_name_the_value_and_the_remedy() {
        for (requested, count, words) in [
            ("gpu", 1, ["`gpu`", "unknown device", "`cuda:0,1`"]),
            ("", 1, ["``", "unknown device", "`auto`"]),
            ("cuda:", 1, ["`cuda:`", "`` is not the index", "`cuda:0,1`"]),
            ("cuda:-1", 1, ["`cuda:-1`", "`-1` is not the index", "`cpu`"]),
            ("cuda:0,0", 1, ["`cuda:0,0`", "GPU 0 stands there twice", "`cuda`"]),
            ("cuda:0,3", 2, ["`cuda:0,3`", "no GPU 3, libtorch sees 2 (0 to 1)", "nvidia-smi -L"]),
            ("cuda", 0, ["`cuda`", "not installed, no /lib/libtorch_cuda.so", "cargo xtask setup --gpu"]),
        ] {
            let message = message(requested, count);
            assert!(words.iter().all(|word| message.contains(word)), "{requested:?}: {message}");
        }
    }

    #[test]
    fn a_mapped_library_is_found_by_its_file_name() {
        let maps = "7f00-7f01 r-xp 00000000 08:01 12  /a b/libtorch_cpu.so.1\n\
                    7f02-7f03 r-xp 00000000 08:01 13  /a b/libtorch_cpu.so\n\
                    7f04-7f05 rw-p 00000000 00:00 0   [heap]\n";
        assert_eq!(loaded_library(maps, "libtorch_cpu.so"), Some(Path::new("/a b/libtorch_cpu.so")));
        assert_eq!(loaded_library(maps, "libc10.so"), None);
    }

    #[test]
    fn the_folder_of_the_running_libtorch_is_found() {
        // Not compared with the build's own: LD_LIBRARY_PATH may rightly have put another one in its place.
        assert_eq!(tch::Tensor::from_slice(&[1.0_f32, 2.0]).size(), [2]);
        assert!(library_dir().join("libtorch_cpu.so").exists(), "{}", library_dir().display());
    }

    #[test]
    fn the_backend_loads_or_is_absent() -> Result<(), DeviceError> {
        let expected = library_dir().join("libtorch_cuda.so");
        let backend = load_cuda_backend()?;
        let (Backend::Loaded(path) | Backend::Absent(path)) = &backend;
        assert_eq!(*path, expected);
        assert_eq!(matches!(backend, Backend::Loaded(_)), expected.exists());
        assert!(!devices("auto")?.is_empty());
        Ok(())
    }
}
