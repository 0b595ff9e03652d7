/* The consumer of the benchmark: it requests and releases views, and does nothing else. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* full(obj, n): requests and releases a PyBUF_FULL view of obj, n times. */
static PyObject *
pairs_full(PyObject *Py_UNUSED(module), PyObject *args)
{
    PyObject *obj;
    Py_ssize_t n;
    Py_buffer view;

    if (!PyArg_ParseTuple(args, "On", &obj, &n)) {
        return NULL;
    }
    for (; n > 0; n--) {
        if (PyObject_GetBuffer(obj, &view, PyBUF_FULL) < 0) {
            return NULL;
        }
        PyBuffer_Release(&view);
    }
    Py_RETURN_NONE;
}

/* mark(): does nothing. A profiler that is given this function's name starts a new count here. */
static PyObject *
pairs_mark(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"full", pairs_full, METH_VARARGS, "full(obj, n): take and release a PyBUF_FULL view of obj, n times."},
    {"mark", pairs_mark, METH_NOARGS, "mark(): where a profiler starts a new count."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "pairs",
    .m_size = -1,
    .m_methods = methods,
};

PyMODINIT_FUNC
PyInit_pairs(void)
{
    return PyModule_Create(&module);
}
