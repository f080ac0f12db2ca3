// A CUDA backend for libtorch whose devices are host memory, for tests on machines without a GPU.
//
// Every operator runs its CPU kernel on the same memory, so results are those of the CPU. What a real device refuses is
// refused: operands on two devices, and CPU tensors among those of a device. What costs time on a real device is counted:
// copies between host and device, and each time that the host waits for the device.
//
// `cargo xtask pretend-gpu` builds it as libtorch_cuda.so, beside a libtorch that programs then load with LD_LIBRARY_PATH.
// Environment:
//   PRETEND_GPUS        number of devices, 1 to 8; default 1
//   PRETEND_GPU_REPORT  a file to which each process appends its counts at its end, one line of JSON
#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/StorageImpl.h>
#include <c10/core/impl/FakeGuardImpl.h>
#include <torch/library.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace {
using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::DeviceType;
using c10::DispatchKey;
using c10::DispatchKeySet;

// ---- What is counted

struct Transfers {
  uint64_t copies = 0, bytes = 0;

  void add(const Tensor& copied) {
    copies++;
    bytes += copied.nbytes();
  }

  void print(FILE* out, const char* name) const {
    std::fprintf(out, "\"%s\": {\"copies\": %lu, \"bytes\": %lu}, ", name, copies, bytes);
  }
};

class Counts {
 public:
  void operation(const std::string& name, Device device) {
    std::lock_guard<std::mutex> lock(mutex_);
    operations_[name]++;
    devices_[std::to_string(device.index())]++;
  }

  void sync(const std::string& cause) {
    std::lock_guard<std::mutex> lock(mutex_);
    syncs_[cause]++;
  }

  // `waits`: whether the host waits until the copy is done.
  void copy(const Tensor& to, const Tensor& from, bool waits) {
    const bool upload = !from.is_cuda(), download = !to.is_cuda();
    const char* name = upload ? "host to device" : download ? "device to host" : "device to device";
    std::lock_guard<std::mutex> lock(mutex_);
    (upload ? uploads_ : download ? downloads_ : inside_).add(from);
    if (upload || download) shapes_[std::string(name) + " " + text(from)]++;
    if (waits) syncs_[std::string("copy from ") + name]++;
  }

  ~Counts() {
    const char* path = std::getenv("PRETEND_GPU_REPORT");
    FILE* out = path ? std::fopen(path, "a") : nullptr;
    if (!out) return;
    std::fprintf(out, "{");
    uploads_.print(out, "host_to_device");
    downloads_.print(out, "device_to_host");
    inside_.print(out, "device_to_device");
    print(out, "copies", shapes_, ", ");
    print(out, "syncs", syncs_, ", ");
    print(out, "devices", devices_, ", ");
    print(out, "operations", operations_, "}\n");
    std::fclose(out);
  }

 private:
  using Table = std::map<std::string, uint64_t>;

  static std::string text(const Tensor& tensor) {
    std::string text = c10::toString(tensor.scalar_type());
    for (auto size : tensor.sizes()) text += "," + std::to_string(size);
    return text;
  }

  static void print(FILE* out, const char* name, const Table& table, const char* end) {
    std::fprintf(out, "\"%s\": {", name);
    const char* separator = "";
    for (const auto& [key, count] : table) {
      std::fprintf(out, "%s\"%s\": %lu", separator, key.c_str(), count);
      separator = ", ";
    }
    std::fprintf(out, "}%s", end);
  }

  std::mutex mutex_;
  Transfers uploads_, downloads_, inside_;
  Table shapes_, syncs_, devices_, operations_;
};

Counts counts;

// Operators whose result, or its size, the host must know before it goes on.
bool waits(const std::string& name) {
  static const std::set<std::string> names = {
      "aten::_local_scalar_dense", "aten::bincount", "aten::equal",   "aten::is_nonzero",
      "aten::masked_select",       "aten::nonzero",  "aten::_unique2"};
  return names.count(name) > 0;
}

// ---- Memory: one storage, seen from both sides

// `storage` as memory of a device; it is kept for as long as the result is.
c10::Storage seen_from(const c10::Storage& storage, Device device) {
  auto* kept = new c10::Storage(storage);
  auto release = [](void* context) { delete static_cast<c10::Storage*>(context); };
  c10::DataPtr data(kept->mutable_data(), kept, release, device);
  c10::Allocator* none = nullptr;
  auto* allocator = device.is_cpu() ? c10::GetAllocator(DeviceType::CPU) : none;
  return c10::Storage(c10::Storage::use_byte_size_t{}, kept->nbytes(), std::move(data), allocator, device.is_cpu());
}

// A tensor of the shape of `like` over a storage.
Tensor over(c10::Storage storage, const Tensor& like) {
  const bool on_cpu = storage.device().is_cpu();
  auto keys = on_cpu ? DispatchKeySet(DispatchKey::CPU) : DispatchKeySet(DispatchKey::CUDA);
  auto tensor = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), keys, like.dtype());
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), like.storage_offset());
  return tensor;
}

Tensor on_host(const Tensor& tensor) {
  return over(seen_from(tensor.storage(), Device(DeviceType::CPU)), tensor);
}

Tensor on_device(const Tensor& tensor, Device device) {
  return over(seen_from(tensor.storage(), device), tensor);
}

// ---- Any operator

// One call of an operator: its tensors become CPU tensors, its results tensors of the device again.
class Call {
 public:
  Call(const c10::OperatorHandle& op, torch::jit::Stack* stack) : op_(op), stack_(stack), name_(op.schema().name()) {}

  void run() {
    for_each(op_.schema().arguments().size(), [this](const Tensor& t) { return argument(t); });
    counts.operation(name_, device_);
    if (waits(name_)) counts.sync(name_);
    op_.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), stack_);
    for (auto& pair : pairs_) follow(pair);
    for_each(op_.schema().returns().size(), [this](const Tensor& t) { return result(t); });
  }

 private:
  struct Pair {
    Tensor device, host;
    void* memory;
  };

  // Replaces the tensors among the last `count` values of the stack, and a device by the CPU.
  template <typename Replace>
  void for_each(size_t count, Replace replace) {
    for (size_t i = stack_->size() - count; i < stack_->size(); i++) {
      auto& value = (*stack_)[i];
      if (value.isTensor()) {
        value = replace(value.toTensor());
      } else if (value.isTensorList()) {
        auto list = value.toTensorVector();
        for (auto& tensor : list) tensor = replace(tensor);
        value = list;
      } else if (value.isOptionalTensorList()) {
        c10::List<std::optional<Tensor>> list;
        for (const std::optional<Tensor>& tensor : value.toOptionalTensorVector())
          list.push_back(tensor ? std::optional<Tensor>(replace(*tensor)) : std::nullopt);
        value = list;
      } else if (value.isDevice() && value.toDevice().is_cuda()) {
        const DeviceIndex index = value.toDevice().index();
        device_ = Device(DeviceType::CUDA, index < 0 ? DeviceIndex(0) : index);
        value = Device(DeviceType::CPU);
      }
    }
  }

  Tensor argument(const Tensor& tensor) {
    if (!tensor.defined()) return tensor;
    if (!tensor.is_cuda()) return from_cpu(tensor);
    TORCH_CHECK(!first_.defined() || first_.device() == tensor.device(), "pretend CUDA: ", name_,
                ": expected all tensors on one device, found ", first_.device(), " and ", tensor.device());
    if (!first_.defined()) first_ = tensor;
    device_ = tensor.device();
    for (auto& pair : pairs_)
      if (pair.device.is_same(tensor)) return pair.host;
    auto host = on_host(tensor);
    pairs_.push_back({tensor, host, host.storage().mutable_data()});
    return host;
  }

  // Numbers come along with a kernel's launch; indices are copied to the device, which waits for it.
  Tensor from_cpu(const Tensor& tensor) {
    if (tensor.dim() == 0) return tensor;
    const bool indexes = name_ == "aten::index" || name_ == "aten::index_put_" || name_ == "aten::_index_put_impl_";
    TORCH_CHECK(indexes, "pretend CUDA: ", name_, ": expected all tensors on one device, found a CPU tensor of shape ",
                tensor.sizes());
    counts.copy(on_device(tensor, device_), tensor, true);
    return tensor;
  }

  // What an operator in place, or with an output, may have resized.
  void follow(Pair& pair) {
    auto* impl = pair.device.unsafeGetTensorImpl();
    if (pair.host.storage().mutable_data() != pair.memory)
      impl->set_storage_keep_dtype(seen_from(pair.host.storage(), pair.device.device()));
    if (pair.host.sizes() != pair.device.sizes() || pair.host.strides() != pair.device.strides())
      impl->set_sizes_and_strides(pair.host.sizes(), pair.host.strides(), pair.host.storage_offset());
  }

  Tensor result(const Tensor& tensor) {
    if (!tensor.defined() || !tensor.device().is_cpu()) return tensor;
    for (auto& pair : pairs_) {
      if (pair.host.is_same(tensor)) return pair.device;
      // A view.
      const bool shares = pair.host.storage().mutable_data() == tensor.storage().mutable_data();
      if (shares && tensor.storage().nbytes() > 0) return over(pair.device.storage(), tensor);
    }
    return on_device(tensor, device_);
  }

  const c10::OperatorHandle& op_;
  torch::jit::Stack* stack_;
  const std::string name_;
  std::vector<Pair> pairs_;
  Tensor first_;
  Device device_ = Device(DeviceType::CUDA, 0);
};

void any(const c10::OperatorHandle& op, DispatchKeySet, torch::jit::Stack* stack) { Call(op, stack).run(); }

// ---- Operators that would choose another kernel on a device

// The host waits for all copies but those that need not wait: out of pinned memory, where the caller says so.
Tensor& copy_(Tensor& self, const Tensor& src, bool non_blocking) {
  at::AutoDispatchBelowADInplaceOrView below;
  const bool host_side = !self.is_cuda() || !src.is_cuda();
  const Tensor& host = self.is_cuda() ? src : self;
  counts.copy(self, src, host_side && !(non_blocking && host.is_pinned()));
  auto to = self.is_cuda() ? on_host(self) : self;
  to.copy_(src.is_cuda() ? on_host(src) : src);
  return self;
}

void check_together(const char* name, at::TensorList tensors) {
  for (const auto& tensor : tensors)
    TORCH_CHECK(!tensor.defined() || tensor.device() == tensors[0].device(), "pretend CUDA: ", name,
                ": expected all tensors on one device, found ", tensors[0].device(), " and ", tensor.device());
}

Tensor convolution(const Tensor& input, const Tensor& weight, const std::optional<Tensor>& bias, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding,
                   int64_t groups) {
  at::AutoDispatchBelowADInplaceOrView below;
  counts.operation("aten::convolution", input.device());
  check_together("aten::convolution", {input, weight, bias.value_or(Tensor())});
  std::optional<Tensor> shift;
  if (bias && bias->defined()) shift = on_host(*bias);
  auto result = at::convolution(on_host(input), on_host(weight), shift, stride, padding, dilation, transposed,
                                output_padding, groups);
  return on_device(result, input.device());
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor& gradient, const Tensor& input, const Tensor& weight,
                                                        at::OptionalIntArrayRef bias_sizes, at::IntArrayRef stride,
                                                        at::IntArrayRef padding, at::IntArrayRef dilation,
                                                        bool transposed, at::IntArrayRef output_padding, int64_t groups,
                                                        std::array<bool, 3> wanted) {
  at::AutoDispatchBelowADInplaceOrView below;
  counts.operation("aten::convolution_backward", input.device());
  check_together("aten::convolution_backward", {gradient, input, weight});
  auto [a, b, c] = at::convolution_backward(on_host(gradient), on_host(input), on_host(weight), bias_sizes, stride,
                                            padding, dilation, transposed, output_padding, groups, wanted);
  auto back = [&](const Tensor& t) { return t.defined() ? on_device(t, input.device()) : t; };
  return {back(a), back(b), back(c)};
}

// ---- Pinned memory: host memory that is remembered to be pinned

class Pinned final : public c10::Allocator {
 public:
  c10::DataPtr allocate(size_t bytes) override {
    void* memory = std::malloc(bytes > 0 ? bytes : 1);
    TORCH_CHECK(memory, "pretend CUDA: no memory for ", bytes, " pinned bytes");
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_[static_cast<const char*>(memory)] = bytes;
    return {memory, memory, &release, Device(DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &release; }

  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }

  bool holds(const void* data) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto after = blocks_.upper_bound(static_cast<const char*>(data));
    if (after == blocks_.begin()) return false;
    const auto& [start, bytes] = *std::prev(after);
    return static_cast<const char*>(data) < start + std::max<size_t>(bytes, 1);
  }

 private:
  static void release(void* memory);

  std::mutex mutex_;
  std::map<const char*, size_t> blocks_;
};

// Never destroyed: tensors of threads that are still there at the end give their memory back.
Pinned& pinned = *new Pinned;

void Pinned::release(void* memory) {
  std::lock_guard<std::mutex> lock(pinned.mutex_);
  pinned.blocks_.erase(static_cast<const char*>(memory));
  std::free(memory);
}

// ---- What libtorch asks a backend

DeviceIndex devices() {
  const char* count = std::getenv("PRETEND_GPUS");
  return count ? DeviceIndex(std::atoi(count)) : DeviceIndex(1);
}

using Guard = c10::impl::FakeGuardImpl<DeviceType::CUDA>;

struct CUDAHooks : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return devices() > 0; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex deviceCount() const override { return devices(); }
  int getNumGPUs() const override { return devices(); }
  DeviceIndex current_device() const override { return Guard::getDeviceIndex(); }
  DeviceIndex getCurrentDevice() const override { return Guard::getDeviceIndex(); }
  void deviceSynchronize(DeviceIndex) const override { counts.sync("synchronize"); }
  bool isPinnedPtr(const void* data) const override { return pinned.holds(data); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned; }
};
}  // namespace

namespace at {
using ::CUDAHooks;
REGISTER_CUDA_HOOKS(CUDAHooks)
}  // namespace at

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&any>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("copy_", &copy_);
  m.impl("convolution", &convolution);
  m.impl("convolution_backward", &convolution_backward);
}
