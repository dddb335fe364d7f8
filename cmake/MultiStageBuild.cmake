#[=======================================================================[.rst:
MultiStageBuild
---------------

Builds a project in stages, each in a sandbox on top of the image that the stage before it left, and
keeps every such image as a *checkpoint* to go on from, or back to.

.. code-block:: cmake

  find_package(MultiStageBuild REQUIRED)

  multi_stage_build(app
    BASE            tag:python:3.11-slim
    INSTALL_COMMAND pip install -e .[dev]
    INSTALL_INPUTS  pyproject.toml
    BUILD_COMMAND   python -m build
    TEST_COMMAND    pytest -v)

::

  base image --> setup-base --> deps-installed --> build-complete --> test app.test
                                 (INSTALL_COMMAND)  (BUILD_COMMAND)    (nothing kept)

``ninja build-complete`` runs what is not there yet, or no longer up to date, and ``ctest`` runs the
tests. The module needs CMake 3.22 or newer and a Ninja or Makefile generator.

Getting the module
^^^^^^^^^^^^^^^^^^

Any of these makes the functions below known:

* ``find_package(MultiStageBuild REQUIRED)``, with an installed package;
* ``FetchContent_MakeAvailable(MultiStageBuild)`` or ``add_subdirectory()``, which also builds the
  helper program;
* ``list(APPEND CMAKE_MODULE_PATH <source>/cmake)`` and ``include(MultiStageBuild)``.

A project that builds *itself* in a sandbox is configured there once more, where no package is
installed and no stages are wanted. Inside of a sandbox the environment variable ``MSTAGE_STAGE`` is
set, the functions below do nothing, and the project had better not look for the package:

.. code-block:: cmake

  if(NOT DEFINED ENV{MSTAGE_STAGE})
    find_package(MultiStageBuild REQUIRED)
    multi_stage_build(app)
  endif()

Commands
^^^^^^^^

.. command:: multi_stage_build

  Declares a pipeline with the usual stages:

  .. code-block:: cmake

    multi_stage_build(<pipeline>
      [SOURCE <dir>] [BASE <reference>] [WORKDIR <path>] [EXCLUDE <pattern>...]
      [INSTALL_COMMAND <command>...] [INSTALL_INPUTS <pattern>...|NONE]
      [BUILD_COMMAND <command>...] [BUILD_INPUTS <pattern>...|NONE]
      [TEST_COMMAND <command>...]
      [ENVIRONMENT <name>=<value>...] [NETWORK ON|OFF] [TIMEOUT <time>] [LIVE ON|OFF]
      [USER <user>] [INSTALL_USER <user>] [CACHE <cache>...] [SECRET <id>=<source>...])

  The stages are

  ============== ================== ================== ==========================================
  Stage          Command            Checkpoint         Starts from
  ============== ================== ================== ==========================================
  ``setup-base`` (imports the base) ``setup-base``     ``BASE``
  ``install``    INSTALL_COMMAND    ``deps-installed`` ``setup-base``
  ``build``      BUILD_COMMAND      ``build-complete`` ``deps-installed``, or what precedes it
  (a test)       TEST_COMMAND       none               the last checkpoint of the above
  ============== ================== ================== ==========================================

  ``<pipeline>``, like the name of every stage, checkpoint and test, consists of letters, digits,
  ``_``, ``.``, ``+`` and ``-`` and starts neither with ``.`` nor with ``-``. All options are for
  all of the pipeline's stages and tests, but for those that name one:

  ``SOURCE <dir>``
    The project to build; relative to, and by default, ``CMAKE_CURRENT_SOURCE_DIR``.

  ``BASE <reference>``
    What the first stage starts from:

    ============================== ===============================================================
    ``host``                       the machine's own system, unharmed by what stages do to it; for
                                   others than root its directories are read-only (the default)
    ``debian:<suite>[+<package>]`` a minimal system made by ``mmdebstrap``, with these packages
    ``rootfs:<path>``              a directory, or a tar, compressed or not
    ``docker://<name>``            a container image in a registry, ``docker://host/name:tag`` or
                                   ``…@sha256:…``, fetched by ``skopeo`` with its configuration and
                                   credentials; layers that the store has are not fetched
    ``oci:<dir>[:<tag>]``          a container image in an OCI image layout
    ``oci-archive:<file>[:<tag>]`` the same as one tar archive
    ``docker-archive:<file>``      an archive of ``docker save``; ``:<name>:<tag>`` behind it when it
                                   holds several images
    ``tag:<name>``                 an image in the store that ``mstage tag`` gave a name
    ``<uuid>``                     an image in the store
    ============================== ===============================================================

    A relative path is one from ``CMAKE_CURRENT_SOURCE_DIR``. Of a container image, environment and
    user count as well; commands run in ``WORKDIR`` all the same. What was imported is used from then
    on, whatever becomes of its source, until ``mstage import --refresh <reference>``.

  ``WORKDIR <path>``
    Absolute path in the image, ``/app`` by default: where the source is put and commands run.

  ``EXCLUDE <pattern>...``
    Files of the source that no stage sees, in the syntax of gitignore. ``.git``, the build tree and
    other build trees of this module that lie in the source are excluded always, even if
    ``INPUTS`` name them.

  ``INSTALL_COMMAND <command>...``, ``BUILD_COMMAND <command>...``, ``TEST_COMMAND <command>...``
    See `Command lines`_. ``""`` leaves the stage out. One that is not given comes from the kind of
    project, known by the first of these files in ``SOURCE`` (when CMake runs):

    ====================================== ===================== ============================= ==============
    File                                   Install               Build                         Test
    ====================================== ===================== ============================= ==============
    ``pyproject.toml`` or ``setup.py``     ``pip install -e .``  ``python -m build``           ``pytest``
    ``Cargo.toml``                         ``cargo fetch``       ``cargo build --release``     ``cargo test``
    ``package.json``                       ``npm ci``            ``npm run build              ``npm test``
                                                                 --if-present``
    ``CMakeLists.txt``                     (none)                configure and build in        ``ctest``
                                                                 ``build``, with Ninja if
                                                                 the image has it
    ====================================== ===================== ============================= ==============

  ``INSTALL_INPUTS <pattern>...``, ``BUILD_INPUTS <pattern>...``
    The files of the source that the stage sees and that make it run again when they change; without
    the keyword all but the excluded ones, with ``NONE`` none. The detected ``npm ci``, which is
    ``npm install`` where there is no lock file, sees ``package.json`` and those of
    ``package-lock.json``, ``npm-shrinkwrap.json`` and ``.npmrc`` that are there when CMake runs.
    The detected ``cargo fetch`` and ``pip install -e .`` see all, for they want the targets that the
    manifest names, and the package. Of a crate with the usual files a stand-in will do, and fetching
    again is only for a change of what is fetched:

    .. code-block:: cmake

      INSTALL_COMMAND "mkdir src && touch src/lib.rs && cargo fetch && rm -r src"
      INSTALL_INPUTS  Cargo.toml Cargo.lock

  ``ENVIRONMENT <name>=<value>...``
    Environment variables of the commands, which otherwise see that of the image and nothing of the
    caller's but how to get out: his proxies (``http_proxy``, ``no_proxy``, ...), and the files with
    certificate authorities that ``SSL_CERT_FILE``, ``CURL_CA_BUNDLE``, ``GIT_SSL_CAINFO``,
    ``CARGO_HTTP_CAINFO``, ``NODE_EXTRA_CA_CERTS``, ``PIP_CERT`` and ``REQUESTS_CA_BUNDLE`` name. What
    these are makes no stage run again. Where packages come from should, and is to be passed on
    here: ``ENVIRONMENT npm_config_registry=$ENV{npm_config_registry}``.

  ``NETWORK ON|OFF``
    Whether commands reach the network; ``ON`` by default. (Like ``LIVE`` in any of CMake's words for
    a truth.)

  ``TIMEOUT <time>``
    A command that takes longer fails; ``0``, the default, sets no limit. A number of seconds, or one
    with ``s``, ``m`` or ``h`` behind it: ``90s``, ``5m``, ``1h``.

  ``LIVE ON|OFF``
    ``ON`` sends a stage's output straight to the terminal, one stage at a time. ``OFF``, the
    default, keeps it in the stage's log, shows the end of it after a failure, and lets branches run
    side by side; ``mstage watch`` then shows what they are at.

  ``USER <user>``
    Who runs the commands: ``<name>``, ``<uid>``, ``<name>:<group>`` or ``<uid>:<gid>``, by the
    image's own ``/etc/passwd`` and ``/etc/group``, with the groups that the user is a member of
    (or only the group that is given), and ``HOME`` from there. By default it is the user that the
    image's configuration names, else ``root``. Files of the source belong to root: others can read
    them, and to write to ``WORKDIR`` they need a stage before, run by root, that gives them a place
    there. On a machine where this machine's user has no ids in ``/etc/subuid``, there is only root.

  ``INSTALL_USER <user>``
    Who runs ``INSTALL_COMMAND``, whatever ``USER`` says; by default, as without ``USER``, the user that
    the image's configuration names, else ``root``.

  ``CACHE <cache>...``
    See `Caches`_.

  ``SECRET <id>=<source>...``
    See `Secrets`_.

.. command:: multi_stage_add_stage

  Adds a stage to a pipeline. Stages that start from the same checkpoint run side by side:

  .. code-block:: cmake

    multi_stage_add_stage(<pipeline> <stage>
      FROM <checkpoint> COMMAND <command>... CHECKPOINT <name>
      [COPY <checkpoint>:<path>[=<destination>]...]
      [INPUTS <pattern>...|NONE] [EXCLUDE <pattern>...] [WORKDIR <path>]
      [ENVIRONMENT <name>=<value>...] [NETWORK ON|OFF] [TIMEOUT <time>] [LIVE ON|OFF]
      [USER <user>] [CACHE <cache>...] [SECRET <id>=<source>...])

  ``FROM <checkpoint>``
    ``setup-base``, ``deps-installed``, ``build-complete``, or the checkpoint of a stage that was
    added before.

  ``COMMAND <command>...``
    See `Command lines`_; must not be empty.

  ``CHECKPOINT <name>``
    The name of the stage's result.

  ``COPY <checkpoint>:<path>[=<destination>]...``
    Files that the stage finds in its image besides, out of the image of another checkpoint: one of
    the same pipeline, or ``<pipeline>.<checkpoint>``, that was declared before. So branches are
    joined again:

    .. code-block:: cmake

      multi_stage_add_stage(app pack
        FROM build-complete
        COPY docs-built:/app/html=/usr/share/doc/app "lib.build-complete:/usr/lib/lib*.so"
        COMMAND make pack
        CHECKPOINT packed)

    ``<path>`` is absolute and may have wildcards; directories come with all that is in them.
    ``<destination>`` is the same path by default. One that ends in ``/`` is the directory to copy
    into, any other one the new name. What has the name of a copy is replaced, directories are
    filled; owners, modes and times stay. Devices and sockets are left out. The stage runs again
    when the other checkpoint has another image.

  ``INPUTS <pattern>...``
    Like ``BUILD_INPUTS`` above.

  ``EXCLUDE <pattern>...``
    Files that this stage does not see even if its ``INPUTS`` and the pipeline let it.

  ``ENVIRONMENT``, ``CACHE`` and ``SECRET`` are added to the pipeline's own, and win over it where they name the
  same; the other options replace the pipeline's. Any directory of the project may call this, also
  another than the one that called :command:`multi_stage_build`.

.. command:: multi_stage_add_test

  Adds a test that runs on a checkpoint, in a file system of its own that is thrown away afterwards. Of
  the source it sees what the checkpoint's own stages saw:

  .. code-block:: cmake

    multi_stage_add_test(<pipeline>
      NAME <name> FROM <checkpoint> COMMAND <command>...
      [WORKDIR <path>] [ENVIRONMENT <name>=<value>...] [NETWORK ON|OFF] [TIMEOUT <time>]
      [USER <user>] [CACHE <cache>...] [SECRET <id>=<source>...] [REPEAT <count>]
      [PROCESSORS <count>] [RESOURCE_LOCK <name>...] [LABELS <label>...])

  ``NAME <name>``
    CTest knows the test as ``<pipeline>.<name>``.

  ``REPEAT <count>``
    Runs the command so many times, each in a copy of its own of the same state, to find a test that
    fails now and then. All of them run, ``PROCESSORS`` at once, each within ``TIMEOUT``. The test
    fails when one of them does, and says how many did, how, and where their logs are; what it
    prints is that summary. Caches are no part of the state: their content outlives each run.

  ``PROCESSORS <count>``, ``RESOURCE_LOCK <name>...``, ``LABELS <label>...``
    The test's properties of these names. A test that has a cache with ``sharing=locked`` gets a
    resource lock for it besides, so that ``ctest -j`` runs others meanwhile.

  The test requires a fixture, the test ``<pipeline>.<checkpoint>``, which builds the checkpoint.
  Testing must be enabled by ``enable_testing()`` or ``include(CTest)`` in the top-level directory.
  A machine that cannot run sandboxes skips the test and says why.

  CTest is told what a test took: ``wall_s``, ``user_s`` and ``system_s``, ``peak_memory_bytes`` (of
  the largest process), ``image`` and ``run``, with ``REPEAT`` also ``forks``, ``failed_forks`` and
  ``longest_wall_s`` (then ``user_s`` and ``system_s`` are sums). ``ctest -T Test`` has these
  measurements in its ``Test.xml``, for CDash, together with the log of a test that failed (those
  of the first five, up to 16 MiB each); JUnit files have no place for them. ``ctest -V`` and
  ``--output-on-failure`` show them as tags at the end of the output, which are no part of it.

.. command:: multi_stage_test_launcher

  Lets the tests that a project has already, made by ``add_test()`` from its own programs, run on a
  checkpoint, each in a file system of its own that is thrown away afterwards:

  .. code-block:: cmake

    multi_stage_test_launcher(<pipeline>
      FROM <checkpoint>
      [MAP <path>=<dir>...] [PASS_ENVIRONMENT <name>...] [VARIABLE <variable>]
      [ENVIRONMENT <name>=<value>...] [NETWORK ON|OFF] [TIMEOUT <time>]
      [USER <user>] [CACHE <cache>...] [SECRET <id>=<source>...])

  The programs are those of the image: a stage has built the project there, and this machine need
  not. Both read the same ``CMakeLists.txt``, so CTest knows the same tests:

  .. code-block:: cmake

    project(app LANGUAGES CXX)
    enable_testing()
    if(NOT DEFINED ENV{MSTAGE_STAGE})
      find_package(MultiStageBuild REQUIRED)
      multi_stage_build(app TEST_COMMAND ""
        BUILD_COMMAND "cmake -S . -B /build -G Ninja && cmake --build /build")
      multi_stage_test_launcher(app FROM build-complete MAP /build=${CMAKE_BINARY_DIR})
    endif()

    add_executable(unit_test unit_test.cpp)
    add_test(NAME unit COMMAND unit_test --data ${CMAKE_CURRENT_SOURCE_DIR}/data)

  ``ctest`` then runs ``/build/unit_test --data /app/data`` in the image. (The test's program must
  be a target, as here; ``add_test(NAME x COMMAND sh x.sh)`` runs on this machine as ever.)

  ``FROM <checkpoint>``
    Its fixture, the test ``<pipeline>.<checkpoint>``, is required by the tests of the directory that
    calls this (since CMake 3.28 also by those of its subdirectories). Other tests need
    ``set_tests_properties(... FIXTURES_REQUIRED <pipeline>.<checkpoint>)``, or a checkpoint that
    was built before.

  ``MAP <path>=<dir>...``
    Directories of the image and what they are called on this machine; the pipeline's ``WORKDIR`` is
    that of its ``SOURCE`` always. The test's program, its arguments and the directory in which
    CTest starts it are given their names in the image.

  ``PASS_ENVIRONMENT <name>...``
    Variables that commands see as the launcher finds them: those of a test's property
    ``ENVIRONMENT``.

  ``VARIABLE <variable>``
    Sets this variable to the launcher, a list of words, and nothing else. By default all targets
    that are made later in this directory and below have it: by ``CMAKE_TEST_LAUNCHER``, and before
    CMake 3.29, which does not know that, by ``CMAKE_CROSSCOMPILING_EMULATOR``. To choose targets:

    .. code-block:: cmake

      multi_stage_test_launcher(app FROM build-complete VARIABLE launcher)
      set_property(TARGET unit_test PROPERTY TEST_LAUNCHER "${launcher}")            # CMake 3.29
      set_property(TARGET unit_test PROPERTY CROSSCOMPILING_EMULATOR "${launcher}")  # before

  ``gtest_discover_tests()`` and its like ask the program for its tests, so it must be here too:
  deliver it with :command:`multi_stage_add_artifact` to where the target would be built, and use
  ``DISCOVERY_MODE PRE_TEST``. It is run in the image then as well.

  Options that are not given are those of the pipeline. CTest's own time limit is not set. With
  several configurations it takes CMake 3.29.

.. command:: multi_stage_add_artifact

  Copies files out of a checkpoint when the target ``<pipeline>.artifacts`` is built:

  .. code-block:: cmake

    multi_stage_add_artifact(<pipeline>
      FROM <checkpoint> PATH <path>... DESTINATION <dir> [ALWAYS])

  ``PATH <path>...``
    Absolute paths in the image, which may have wildcards.

  ``DESTINATION <dir>``
    Directory on this machine, relative to ``CMAKE_CURRENT_BINARY_DIR``. A file that was delivered
    before, and that the checkpoint no longer has, is removed there, unless somebody has changed it.
    In the build tree itself no file takes the place of one of the build system's own.

  ``ALWAYS``
    The stage that makes the checkpoint brings the files out as well, whatever its exit, without the
    target: those of the image when it went well, and of what its command left when it failed. What
    is not there, or is a FIFO, a socket or a device, is left out. For test reports, say, and logs:

    .. code-block:: cmake

      multi_stage_add_artifact(app FROM build-complete
        PATH /app/build/Testing/*.xml DESTINATION reports ALWAYS)

.. command:: multi_stage_add_compile_commands

  Copies the ``compile_commands.json`` that a stage has made, with the paths of this machine in it,
  for ``clangd`` and its like. It is delivered by the targets ``<pipeline>.compile-commands`` and
  ``<pipeline>.artifacts``:

  .. code-block:: cmake

    multi_stage_add_compile_commands(<pipeline>
      [FROM <checkpoint>] [PATH <path>] [DESTINATION <dir>] [MAP <path>=<dir>...])

  ``FROM <checkpoint>``
    ``build-complete`` by default.

  ``PATH <path>``
    The file in the image, by default ``<WORKDIR>/build/compile_commands.json`` with the pipeline's
    ``WORKDIR``. (CMake writes it when ``CMAKE_EXPORT_COMPILE_COMMANDS`` is ``ON`` in the sandbox.)

  ``DESTINATION <dir>``
    Relative to, and by default, ``CMAKE_CURRENT_BINARY_DIR``.

  ``MAP <path>=<dir>...``
    Further directories of the image and where they are on this machine, for instance that of
    headers that the build generates and :command:`multi_stage_add_artifact` delivers. The
    pipeline's ``WORKDIR`` is mapped to its ``SOURCE`` always; the longest path that fits counts.

  Paths elsewhere in the image, such as ``/usr/include``, stay as they are: a tool finds there what
  this machine has, which on base ``host`` is the same.

Caches
^^^^^^

A cache is a directory that outlives the runs that have it: downloads of a package manager, objects
of a compiler cache. It is mounted, writable, at its path, and what is in it is never part of an
image:

.. code-block:: cmake

  INSTALL_COMMAND npm ci
  CACHE /root/.npm "/root/.cache/ccache,id=ccache" "/var/cache/apt/archives,sharing=locked"

Each ``<cache>`` is ``<path>[,sharing=shared|locked|private][,id=<id>]``. The path is absolute in the
image, and neither where the source is put nor above it. Stages and tests, of any project, that use
the same store and id share the cache; without an id it comes from the path. When several want it at
once, ``shared``, the default, lets them use it together, ``locked`` one after the other (a time
limit does not count the wait), and with ``private`` each gets a copy of its own. One that is empty
belongs to the user of the stage that comes.

A command must work with an empty cache as well: a stage runs again when the path or the id of a
cache changes, and never because of what is in it. ``mstage caches`` lists caches and removes them.

Secrets
^^^^^^^

A password, token or key that a command needs, and that is to be nowhere afterwards, is a file that
only this command finds:

.. code-block:: cmake

  INSTALL_COMMAND "npm_config_userconfig=/run/secrets/npmrc npm ci"
  SECRET npmrc=~/.npmrc token=env:DEPLOY_TOKEN

``/run/secrets/<id>`` is in memory only, read-only, and the command's user alone can read it:
``curl --oauth2-bearer "$(cat /run/secrets/token)" ...`` (which shows it to all who can list this
machine's processes; better is a program that reads the file). ``<id>`` consists of letters, digits,
``_``, ``.`` and ``-``. ``<source>`` says where the value comes from, whenever a command is about to
run and never when CMake runs:

=============== ===================================================================
``env:<name>``  the environment variable, of who calls the build tool
``<name>``      the same
``file:<path>`` the file, relative to ``CMAKE_CURRENT_SOURCE_DIR``, or ``~/...``
``<path>``      the same, for a path with a ``/`` in it, or ``.`` or ``~`` at its beginning
=============== ===================================================================

A value has 6 bytes to 64 KiB. The stage does not run when one is missing or empty, and it does not run
again because a value changed: only the ids are a part of its key. A secret's file in ``SOURCE`` is
never among the inputs of a stage.

What the command prints has ``***`` in place of its secrets, on the terminal as in the log. That is:
of the whole value, but for line ends at its end, and of each line with at least 16 bytes, also in
base64 and with ``%XX`` as in URLs. What it writes is searched for the same before it becomes an image,
names of files and their attributes too. If there is any, the stage fails and names the file, and
nothing of what it wrote is kept, as when a command fails that has left secrets. Files that it wrote in
its caches are searched too; ``mstage caches --rm <id>`` removes such a cache. No search finds what a
program has encrypted, compressed, or taken apart: a file of settings with a token in it had better
be a secret for itself, and the token another one.

A command cannot leave a dump of its memory. ``mstage run`` and ``mstage shell`` take secrets too, by
``--secret <id>=<source>``: the shell of a stage has only those that it is given.

Command lines
^^^^^^^^^^^^^

A command is run by ``sh -c`` in the sandbox. Given as *one* argument, it is a line of shell and
taken as it is. Given as several, these are its words, quoted so that they arrive as they were
written; but ``&&``, ``||`` and ``|`` stay operators:

.. code-block:: cmake

  BUILD_COMMAND "make -j$(nproc) > build.log"     # a redirection and a substitution
  BUILD_COMMAND make "CFLAGS=-O2 -g" && make docs # the words may have spaces

A word that is one of the function's keywords is taken for that keyword; use the first form for such
a command. One that looks like a keyword gone wrong, ``INSTAL_COMMAND`` or one of another function,
stays a part of the command, with a warning; the first form has none.

Generator expressions are evaluated, in commands, in ``ENVIRONMENT`` and in ``DESTINATION``. What
they yield must hold neither quotes nor backslashes. ``$<CONFIG>`` is the configuration, or
``CMAKE_BUILD_TYPE`` where there is only one.

Configurations
^^^^^^^^^^^^^^

With ``Ninja Multi-Config`` each configuration has checkpoints of its own, below
``.mstage/<pipeline>/<config>`` in the build tree. A stage that is the same in two configurations
runs in the one that is built first and is *restored* in the other. Targets and tests are those of
the configuration that is built: ``ninja -f build-Debug.ninja build-complete``,
``cmake --build <dir> --config Debug --target build-complete``, ``ctest -C Debug``. ``mstage status``
shows all configurations; where other verbs are told the name of a checkpoint they mean that of
``CMAKE_DEFAULT_BUILD_TYPE``, by default the first of ``CMAKE_CONFIGURATION_TYPES``, unless
``--config`` names another. Artifacts go where ``DESTINATION`` says: without ``$<CONFIG>`` in it, the
configuration that is built last replaces those of the others.

Targets
^^^^^^^

None of these is part of ``all``.

``<pipeline>.<checkpoint>``
  Brings the checkpoint up to date. For the first pipeline of a build ``<checkpoint>`` alone does
  too, unless the name is that of another target or reserved by CMake.

``<pipeline>.checkpoints``
  Brings all of them up to date; for the first pipeline ``checkpoints`` does too.

``<pipeline>.artifacts``, ``<pipeline>.compile-commands``
  Deliver the artifacts, and the ``compile_commands.json`` among them. For the first pipeline
  ``artifacts`` and ``compile-commands`` alone do too.

``<pipeline>.shell-<checkpoint>``
  Opens a shell in a throw-away copy of the checkpoint, with all that the command of its stage had:
  environment, working directory, user, caches, network. If the last attempt at the checkpoint
  failed, it is a copy of what that left. Nothing is built. For the first pipeline
  ``shell-<checkpoint>`` alone does too.

``<pipeline>.scan``
  Looks for changes in the source, and is part of every stage.

``<pipeline>.status``
  Shows the checkpoints as a tree, as ``mstage status`` does, each with its state, its image, the
  image's age and size, and how long its stage ran:

  =============== =================================================================================
  ``current``     the next build leaves it alone
  ``restored``    so it does, and its stage did not run: the store had the image
  ``out of date`` the next build makes it again, or what it is made from; the source counts as it is
                  now, scanned or not
  ``pinned``      it was put back, and stays what it is
  ``failed``      not built, and the last attempt failed
  ``not built``   there is nothing, or the store has lost it
  =============== =================================================================================

  Of a stage that runs it says for how long. ``mstage watch`` follows a build from another terminal,
  or in a pipe: what runs, how long it has been running and how long it takes mostly, the last line
  of its output, and how it ended.

``<pipeline>.rollback-<checkpoint>``
  Goes back to the checkpoint: all that is made from it is dropped, and runs again in the next build.
  ``mstage rollback`` does more: it also puts back what a checkpoint was before, and takes all of that
  back. For the first pipeline ``rollback-<checkpoint>`` does too.

``<pipeline>.report``
  Writes the page ``<pipeline>-report.html`` (with several configurations
  ``<pipeline>-<config>-report.html``) in the build tree and says where: stages, the last build in
  time, logs, tests, rollback points and history as they are, in one file that needs nothing else. It
  builds nothing. For the first pipeline ``report`` alone does too. ``mstage report --trace <file>``
  writes the last build for ``chrome://tracing`` or Perfetto.

``<pipeline>.prompt``
  Prints the pipeline as instructions for an agent: its stages as they are configured, the checkpoints
  with state and image, and the commands to build, resume, look at what a failed stage left and go
  back. Of secrets it has the ids. It builds nothing. For the first pipeline ``prompt`` alone does too.

Presets
^^^^^^^

``MultiStageBuildPresets.json``, beside this module, has hidden presets for a project's own
``CMakePresets.json`` to include and inherit from (CMake 3.23): to configure ``mstage`` and
``mstage-multi-config``, to build ``mstage-deps-installed``, ``mstage-build-complete`` and
``mstage-artifacts``, to test ``mstage``:

.. code-block:: json

  {
    "version": 4,
    "include": ["/usr/local/lib/cmake/MultiStageBuild/MultiStageBuildPresets.json"],
    "configurePresets": [{"name": "app", "inherits": "mstage"}],
    "buildPresets": [
      {"name": "deps", "inherits": "mstage-deps-installed", "configurePreset": "app"},
      {"name": "app", "inherits": "mstage-build-complete", "configurePreset": "app"}
    ],
    "testPresets": [{"name": "app", "inherits": "mstage", "configurePreset": "app"}]
  }

With ``"version": 6`` (CMake 3.25) ``cmake --workflow --preset app`` does all in turn:

.. code-block:: json

  "workflowPresets": [{"name": "app", "steps": [
    {"type": "configure", "name": "app"},
    {"type": "build", "name": "app"},
    {"type": "test", "name": "app"}]}]

Variables
^^^^^^^^^

``MSTAGE_EXECUTABLE``
  The helper program ``mstage``. Without it that of the installed package is used, else the one that
  the same build makes, else one in ``PATH``. If there is none, it is built when CMake runs, with
  this machine's compiler.

``MSTAGE_STORE``
  Directory for images, absolute; the helper's own choice by default.

``MSTAGE_SCAN_EVERY_BUILD``
  ``ON`` looks through the source in every build. Otherwise, for up to 1000 files, the build tool
  watches their modification times, which is free but does not notice a change of only the mode.

``MSTAGE_ENGINE``
  Who runs the commands: ``local``, the default, or ``contree``.
#]=======================================================================]

include_guard(GLOBAL)

cmake_policy(PUSH)
cmake_policy(VERSION 3.22...4.4)

# Newer versions of CMake warn of a policy that is set to OLD, as it is, with reason, in
# Stages.cmake. The function keeps the caller's own setting.
function(_MultiStageBuild_include_parts)
  set(CMAKE_WARN_DEPRECATED OFF)
  set(CMAKE_ERROR_DEPRECATED OFF)
  foreach(part IN ITEMS Text Keywords Arguments Registry Detect Helper Selection Stages Plan Tests Launcher Commands)
    include("${CMAKE_CURRENT_FUNCTION_LIST_DIR}/MultiStageBuild/${part}.cmake")
  endforeach()
endfunction()
_MultiStageBuild_include_parts()

cmake_policy(POP)
