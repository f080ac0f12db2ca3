//! Many tensors moved between the host and a device at once: what one copy costs does not depend on its size as much as
//! their number.

use tch::{Device, Kind, Tensor, no_grad};

use super::error::{Result, SupernetError};
use crate::device;

/// The tensors in the host's memory, whose shapes stay: one copy for each kind of numbers. Those of the host are shared.
pub(super) fn on_host(tensors: &[(String, Tensor)]) -> Result<Vec<(String, Tensor)>> {
    let mut found: Vec<Tensor> = tensors.iter().map(|(_, tensor)| tensor.detach()).collect();
    for ((_, device), places) in groups(&found) {
        if device == Device::Cpu {
            continue;
        }
        let flat = places.iter().map(|&place| found[place].f_reshape([-1]));
        let flat = Tensor::f_cat(&flat.collect::<std::result::Result<Vec<_>, _>>()?, 0)?; // [N]
        let flat = no_grad(|| flat.f_to_device(Device::Cpu))?; // [N]
        let mut start = 0;
        for place in places {
            let length = found[place].numel() as i64;
            found[place] = flat.f_narrow(0, start, length)?.f_view(found[place].size().as_slice())?;
            start += length;
        }
    }
    Ok(tensors.iter().map(|(name, _)| name.clone()).zip(found).collect())
}

/// Copies tensors of the host to others of their kind and shape: one copy to the device for each kind of numbers.
pub(super) fn copy_all(pairs: Vec<(Tensor, Tensor)>) -> Result<()> {
    let (mut targets, sources): (Vec<Tensor>, Vec<Tensor>) = pairs.into_iter().unzip();
    for ((_, device), places) in groups(&targets) {
        let mut copy =
            |place: usize, source: &Tensor| Ok::<_, SupernetError>(targets[place].f_copy_(source)?);
        if device == Device::Cpu {
            no_grad(|| places.iter().try_for_each(|&place| copy(place, &sources[place])))?;
            continue;
        }
        let flat = places.iter().map(|&place| sources[place].f_reshape([-1]));
        let flat = Tensor::f_cat(&flat.collect::<std::result::Result<Vec<_>, _>>()?, 0)?; // [N]
        let flat = device::sent(&flat, device)?; // [N]
        let mut start = 0;
        for place in places {
            let source = &sources[place];
            let part = flat.f_narrow(0, start, source.numel() as i64)?.f_view(source.size().as_slice())?;
            start += source.numel() as i64;
            no_grad(|| copy(place, &part))?;
        }
    }
    Ok(())
}

/// The places of tensors by their kind and device.
fn groups(tensors: &[Tensor]) -> Vec<((Kind, Device), Vec<usize>)> {
    let mut groups: Vec<((Kind, Device), Vec<usize>)> = Vec::new();
    for (place, tensor) in tensors.iter().enumerate() {
        let own = (tensor.kind(), tensor.device());
        match groups.iter_mut().find(|(key, _)| *key == own) {
            Some((_, places)) => places.push(place),
            None => groups.push((own, vec![place])),
        }
    }
    groups
}
