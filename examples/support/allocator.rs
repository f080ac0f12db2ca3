//! A quick allocator: libtorch's tensors come from it too, and small networks allocate many.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
