#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mstage::test {

/// Makes `directory` a root filesystem with a shell and a few programs of this machine and the libraries that they
/// need. `more` are further programs, by path; they are in /bin too. About 10 MB, in some 50 ms.
void make_tiny_rootfs(const std::filesystem::path& directory,
                      const std::vector<std::filesystem::path>& more = {});

/// One such tree for all tests of the process, made on first use. Nobody may write to it.
const std::filesystem::path& shared_tiny_rootfs(
    const std::vector<std::filesystem::path>& more = {});

}  // namespace mstage::test
