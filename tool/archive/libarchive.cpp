#include "archive/libarchive.hpp"

#include <dlfcn.h>

#include "base/error.hpp"

namespace mstage::archive {

namespace {

template <typename Function>
void find_function(void* library, const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(library, name));
    if (function == nullptr) {
        throw Error("library '{}' has no function '{}'", MSTAGE_LIBARCHIVE_SONAME, name);
    }
}

Libarchive load() {
    void* library = ::dlopen(MSTAGE_LIBARCHIVE_SONAME, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        throw with_hint(Error("{}", ::dlerror()), "install the package 'libarchive13'");
    }
    Libarchive functions;
#define MSTAGE_FIND(name) find_function(library, #name, functions.name);
    MSTAGE_LIBARCHIVE_FUNCTIONS(MSTAGE_FIND)
#undef MSTAGE_FIND
    return functions;
}

}  // namespace

const Libarchive& libarchive() {
    static const Libarchive k_functions = load();
    return k_functions;
}

}  // namespace mstage::archive
