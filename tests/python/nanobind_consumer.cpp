/* Functions that take tensors as nanobind's ndarray: to read, to write, and to keep. */

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

namespace nb = nanobind;

using Writable = nb::ndarray<std::int32_t, nb::ndim<1>, nb::device::cpu>;
using ReadOnly = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::device::cpu>;

static std::int64_t total(const ReadOnly &items) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < items.shape(0); ++i)
        sum += items(i);
    return sum;
}

static std::vector<ReadOnly> kept;

NB_MODULE(nanobind_consumer, m) {
    // Without a conversion, which would be a copy.
    auto items = nb::arg("items").noconvert();
    m.def(
        "fill",
        [](Writable items, std::int32_t value) {
            for (std::size_t i = 0; i < items.shape(0); ++i)
                items(i) = value;
        },
        items, nb::arg("value"));
    m.def("total", [](ReadOnly items) { return total(items); }, items);
    m.def("address", [](ReadOnly items) { return reinterpret_cast<std::uintptr_t>(items.data()); }, items);
    m.def("keep", [](ReadOnly items) { kept.push_back(std::move(items)); }, items);
    m.def("total_kept", [] { return total(kept.back()); });
    m.def("drop_on_a_thread", [] {
        nb::gil_scoped_release released;
        std::thread([] { kept.clear(); }).join();
    });
}
