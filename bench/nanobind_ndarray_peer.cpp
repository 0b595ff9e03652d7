/* The matrix with nanobind's nb::ndarray: a property returns a numpy array, which keeps the matrix alive.
 *
 * No call reports the end of such an array, so add_row moves the memory of arrays that are alive. */

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <vector>

namespace nb = nanobind;

/* nanobind keeps one table of types for all modules, and nanobind_peer has a Matrix. */
struct ArrayMatrix {
    using Array = nb::ndarray<nb::numpy, float, nb::ndim<2>, nb::c_contig>;

    ArrayMatrix(std::size_t ncols, std::size_t nrows) : ncols(ncols), values(ncols * nrows) {}

    void add_row() { values.resize(values.size() + ncols); }
    Array array() { return Array(values.data(), {values.size() / ncols, ncols}); }

    std::size_t ncols;
    std::vector<float> values;
};

NB_MODULE(nanobind_ndarray_peer, m) {
    nb::class_<ArrayMatrix>(m, "Matrix")
        .def(nb::init<std::size_t, std::size_t>(), nb::arg("ncols"), nb::arg("nrows") = 0)
        .def("add_row", &ArrayMatrix::add_row, "Appends a row of zeros.")
        .def_prop_ro("array", &ArrayMatrix::array, nb::rv_policy::reference_internal);
}
