# SPDX-License-Identifier: MIT
#
# Completion of spull(1) for fish. Tags come from the registry that the line so
# far means, soon or not at all.

# Reads the words before the cursor. Prints the command, an empty line if there
# is none yet, and then the options that say how to reach the registry.
function __spull_look
    set --local words (commandline -opc)
    set --local command
    set --local asks
    set --local name
    set --local ended
    set -e words[1]
    for word in $words
        if test -n "$name"
            set -a asks (__spull_asks $name $word)
            set name
        else if test -n "$ended"; or not string match -q -- '-?*' $word
            # The first operand is a command, or a reference to pull.
            test -n "$command"; or set command $word
        else if test $word = --
            set ended yes
        else if string match -q -- '--*=*' $word
            set -a asks (__spull_asks (string split -m 1 -- = $word))
        else if contains -- $word --netrc --no-netrc
            set -a asks $word
        else if contains -- $word --registry --ca-file --ca-dir \
                --client-cert --client-key --netrc-file --header --proxy \
                --ip-version --user-agent --connect-timeout --stall-timeout \
                --max-time --retries --dir --arch --connections --limit-rate \
                --wait --store --keep-days --unpack-max --jobs --file \
                --output --progress-fd --ref --older-than \
                --add --base-url
            set name $word
        else if set --local cut \
                (string match -r -- '^-[qvhFV]*([rdofj])(.*)$' $word)
            set name -$cut[2]
            if test -n "$cut[3]"
                set -a asks (__spull_asks $name $cut[3])
                set name
            end
        end
    end
    string match -q '*/*' -- "$command"; and set command pull
    printf '%s\n' "$command" $asks
end

function __spull_asks --argument-names name value
    set value (string replace -r '^~/' "$HOME/" -- $value)
    switch $name
        case -r
            echo -- --registry=$value
        case --registry --ca-file --ca-dir --client-cert --client-key \
                --netrc-file --header --proxy --ip-version
            echo -- $name=$value
    end
end

# Is the command one of these? "" is none yet.
function __spull_at
    set --local look (__spull_look)
    contains -- "$look[1]" $argv
end

function __spull_program
    set --local words (commandline -opc)
    string replace -r '^~/' "$HOME/" -- $words[1]
end

function __spull_tags
    set --local program (__spull_program)
    set --local look (__spull_look)
    set --local word (commandline -ct | string trim -l -c '"\'')
    set --local last (string replace -r '.*/' '' -- $word)
    string match -q '*/*' -- $word
    and string match -q '*:*' -- $last
    and not string match -q '*@*' -- $last
    or return
    set --local container (string replace -r ':[^:]*$' '' -- $word)
    set --local tags ($program tags -q $look[2..-1] \
        --max-time 3 --retries 0 -- $container 2>/dev/null)
    for tag in $tags
        echo -- $container:$tag
    end
end

function __spull_registries
    set --local program (__spull_program)
    $program config --registries 2>/dev/null
    __fish_complete_directories (commandline -ct) directory
end

complete -c spull -f

complete -c spull -n '__spull_at "" help' -a pull -d 'install images'
complete -c spull -n '__spull_at "" help' -a tags \
    -d 'list the tags of a container'
complete -c spull -n '__spull_at "" help' -a manifest -d 'print a manifest'
complete -c spull -n '__spull_at "" help' -a resolve \
    -d 'print references with their digests'
complete -c spull -n '__spull_at "" help' -a verify \
    -d 'read installed images again'
complete -c spull -n '__spull_at "" help' -a mirror \
    -d 'copy images into a registry on disk'
complete -c spull -n '__spull_at "" help' -a check \
    -d 'look for what is wrong with a registry'
complete -c spull -n '__spull_at "" help' -a store \
    -d 'tidy up a shared store or read all of it'
complete -c spull -n '__spull_at "" help' -a config \
    -d 'show every setting and where it came from'
complete -c spull -n '__spull_at "" help' -a help \
    -d 'explain spull or one of its commands'
complete -c spull -n '__spull_at "" pull manifest resolve mirror' \
    -a '(__spull_tags)'
# Not -F: before 3.2, fish does not give it back what -f took above.
complete -c spull -n '__spull_at verify' \
    -a '(__fish_complete_path (commandline -ct))'
complete -c spull -n '__spull_at check' -a '(__spull_registries)'
# What has a colon is a reference that wants its tag, and no directory.
complete -c spull \
    -n '__spull_at mirror; and not string match -q "*:*" -- (commandline -ct)' \
    -a '(__fish_complete_directories (commandline -ct))'
complete -c spull -n '__spull_at store' -a prune \
    -d 'remove what was not used for long'
complete -c spull -n '__spull_at store' -a verify -d 'read every entry again'

complete -c spull -s q -l quiet -d 'say nothing but errors'
complete -c spull -s v -l verbose -d 'say what is done and why'
complete -c spull -s h -l help -d 'show help'
complete -c spull -n '__spull_at ""' -s V -l version -d 'show version'
complete -c spull -n '__spull_at help' -l dump -d 'print a table for programs'

set --local session \
    '__spull_at "" pull tags manifest resolve verify mirror check config'
# The registry of a check is an operand.
complete -c spull -n (string replace ' check ' ' ' -- $session) \
    -s r -l registry -x -a '(__spull_registries)' \
    -d 'ask this registry'
complete -c spull -n $session -l ca-file -r -F \
    -d 'trust the authorities in a PEM file'
complete -c spull -n $session -l ca-dir -x \
    -a '(__fish_complete_directories (commandline -ct))' \
    -d 'trust the authorities in a directory'
complete -c spull -n $session -l client-cert -r -F \
    -d 'show this certificate to the registry'
complete -c spull -n $session -l client-key -r -F \
    -d 'the private key of that certificate'
complete -c spull -n $session -l netrc -d 'take credentials from ~/.netrc'
complete -c spull -n $session -l no-netrc -d 'do not read ~/.netrc'
complete -c spull -n $session -l netrc-file -r -F \
    -d 'take credentials from a file'
complete -c spull -n $session -l header -x \
    -d 'send a header to the registry'
complete -c spull -n $session -l proxy -x -a none -d 'go through this proxy'
complete -c spull -n $session -l ip-version -x -a '4 6' \
    -d 'use such addresses only'
complete -c spull -n $session -l user-agent -x \
    -d 'what servers are told about the client'
complete -c spull -n $session -l connect-timeout -x \
    -d 'give up reaching a server'
complete -c spull -n $session -l stall-timeout -x \
    -d 'give up a transfer that stalls'
complete -c spull -n $session -l max-time -x \
    -d 'give up what takes longer'
complete -c spull -n $session -l retries -x \
    -d 'give up after so many tries in vain'
complete -c spull -n $session -l json -d 'print results as JSON'

complete -c spull -n '__spull_at "" pull config' -s d -l dir -x \
    -a '(__fish_complete_directories (commandline -ct))' \
    -d 'install in a directory'

set --local keys '__spull_at "" pull mirror config'
complete -c spull -n $keys -l arch -x \
    -a '386 amd64 arm arm64 ppc64 ppc64le mips mipsle mips64 mips64le s390x
        riscv64 loong64' \
    -d 'refuse images for other machines'
complete -c spull -n $keys -l strict-size -d 'sizes count bytes, never KiB'
complete -c spull -n $keys -l no-strict-size -d 'sizes may count KiB'
set --local weak '__spull_at "" pull verify mirror config'
complete -c spull -n $weak -l allow-md5 \
    -d 'take an md5 where there is no better'
complete -c spull -n $weak -l no-allow-md5 \
    -d 'refuse what only an md5 vouches for'
complete -c spull -n '__spull_at "" pull config' -l unpack \
    -d 'unpack archives and compressed files'
complete -c spull -n '__spull_at "" pull config' -l no-unpack \
    -d 'keep archives as they are'
complete -c spull -n '__spull_at "" pull config' -l unpack-max -x \
    -d 'unpack no larger image'
complete -c spull -n $keys -l connections -x \
    -d 'use up to this many connections'
complete -c spull -n $keys -l limit-rate -x \
    -d 'download no faster than this'
complete -c spull -n $keys -l wait -x -a forever \
    -d 'wait for another process so long'

set --local store '__spull_at "" pull config store'
complete -c spull -n $store -l store -x \
    -a '(__fish_complete_directories (commandline -ct))' \
    -d 'keep one copy for all in a directory'
complete -c spull -n '__spull_at "" pull mirror config store' -l keep-days -x \
    -d 'remove older partial files'
complete -c spull -n '__spull_at store' -l older-than -x \
    -d 'prune what was not used for so many days'
complete -c spull -n '__spull_at store' -l json -d 'print results as JSON'
complete -c spull -n '__spull_at verify' -l ref -x -a '(__spull_tags)' \
    -d 'compare with the registry'
complete -c spull -n '__spull_at mirror' -l add -r -F \
    -d 'put the image in a file in as REF'
complete -c spull -n '__spull_at mirror' -l base-url -x \
    -d 'write absolute URLs'
complete -c spull -n '__spull_at mirror' -l prune \
    -d 'then remove blobs that nothing names'
complete -c spull -n '__spull_at check' -l deep -d 'read all of each blob'
complete -c spull -n '__spull_at check' -l no-blobs \
    -d 'look at documents only'
complete -c spull -n '__spull_at check' -l strict -d 'fail for warnings, too'
complete -c spull -n '__spull_at config' -l registries \
    -d 'list the names of registries'

complete -c spull -n '__spull_at "" pull resolve mirror check config' -s j \
    -l jobs -x -d 'work on so many references at once'
complete -c spull -n '__spull_at "" pull resolve mirror' -s f -l file -r -F \
    -d 'take references from a file'

set --local file '__spull_at "" pull'
complete -c spull -n $file -s o -l output -r -F -d 'install under this name'
complete -c spull -n $file -s F -l force -d 'replace a file that differs'
complete -c spull -n $file -l progress-fd -x -d 'tell progress as JSON'
