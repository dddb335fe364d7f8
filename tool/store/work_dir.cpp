#include "store/work_dir.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "store/boot.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

WorkDir::WorkDir(const fs::path& tmp, const fs::path& gate, Remover remover)
    : m_gate(gate), m_remover(std::move(remover)) {
    const FileLock open_gate = FileLock::acquire(gate, LockMode::shared);
    m_path = make_temporary_directory(tmp, fmt::format("{}-{}-", boot_id(), ::getpid()));
    m_lock = FileLock::acquire(m_path / "lock", LockMode::exclusive);
}

WorkDir::~WorkDir() {
    if (m_path.empty()) {
        return;
    }
    try {
        m_remover(m_path);
    } catch (const Error&) {
        // What stays is garbage without a lock, which the next sweep takes.
    }
}

void WorkDir::pin(const std::string& uuid) {
    const FileLock open_gate = FileLock::acquire(m_gate, LockMode::shared);
    make_directories(m_path / "pins");
    write_file_atomically(m_path / "pins" / uuid, "");
}

}  // namespace mstage::store
