# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Completion of spull(1) for bash 4.4 and later; needs nothing beside it.
#
# Readline cuts the line at every character of COMP_WORDBREAKS, and the ":"
# before a tag and the "=" behind an option are among them. So the words are
# read afresh from the line, and $2, the piece that readline will replace, says
# how much of an answer to give back.

# Sets words: the line up to the cursor as the shell would cut it, with quotes
# gone and a leading ~/ expanded. Nothing else is expanded, and nothing is run.
_spull_words() {
    local line=${COMP_LINE:0:COMP_POINT} word='' quote='' char i started=
    words=()
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        if [[ $char == \\ && $quote != "'" ]]; then
            i=$((i + 1)) char=${line:i:1}
        elif [[ -n $quote && $char == "$quote" ]]; then
            quote='' char=''
        elif [[ -z $quote && $char == [\'\"] ]]; then
            quote=$char char=''
        elif [[ -z $quote && $char == [[:blank:]] ]]; then
            [[ -z $started ]] || words+=("${word/#\~\//$HOME/}")
            word='' started=
            continue
        fi
        word+=$char started=1
    done
    words+=("${word/#\~\//$HOME/}")
}

# Walks over what stands before the cursor. Sets command; operands, how many
# stand behind it; ended once "--" was
# there; option if the cursor is at the value of one, which then is in cur; and
# ask, the options that say how to reach the registry.
_spull_look() {
    local i name value last=$((${#words[@]} - 1))
    command='' operands=0 ended='' option='' ask=()
    for ((i = 1; i <= last; i++)); do
        name=${words[i]} value=''
        if [[ -n $ended || $name != -?* ]]; then
            ((i == last)) || _spull_operand "$name"
            continue
        elif [[ $name == -- ]]; then
            ((i == last)) || ended=1
            continue
        elif [[ $name == --netrc || $name == --no-netrc ]]; then
            ((i == last)) || ask+=("$name")
            continue
        elif [[ $name == --*=* ]]; then
            value=${name#*=} name=${name%%=*}
        elif [[ $name =~ ^-[qvhFV]*([rdofj])(.+)$ ]]; then
            name=-${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        elif ((i < last)) && _spull_takes_value "$name"; then
            i=$((i + 1)) value=${words[i]}
        else
            continue
        fi
        # Of letters in one word, the last one takes the value.
        [[ $name == --* ]] || name=-${name: -1}
        ((i < last)) || option=$name cur=$value
        case $name in
            -r) ask+=("--registry=$value") ;;
            --registry | --ca-file | --ca-dir | --client-cert | \
                --client-key | --netrc-file | --header | --proxy | \
                --ip-version) ask+=("$name=$value") ;;
        esac
    done
}

# The first operand is a command, or a reference to pull.
_spull_operand() {
    if [[ -z $command ]]; then
        command=$1
        [[ $1 != */* ]] || command=pull
    else
        operands=$((operands + 1))
    fi
}

_spull_takes_value() {
    [[ $1 =~ ^-[qvhFV]*[rdofj]$ ]] || case $1 in
        --registry | --ca-file | --ca-dir | --client-cert | --client-key | \
            --netrc-file | --header | --proxy | --ip-version | \
            --user-agent | --connect-timeout | --stall-timeout | \
            --max-time | --retries | --dir | --arch | --connections | \
            --limit-rate | --wait | --store | --keep-days | --unpack-max | \
            --jobs | --file | --output | --progress-fd | --ref | \
            --older-than | --add | --base-url) ;;
        *) return 1 ;;
    esac
}

# Those of the words behind $1, the piece to be replaced, that begin with it.
_spull_offer() {
    local piece=$1 word
    shift
    for word; do
        [[ $word != "$piece"* ]] || COMPREPLY+=("$word")
    done
}

_spull_options() {
    local all=(-q --quiet -v --verbose -h --help)
    local session=(-r --registry --ca-file --ca-dir --client-cert --client-key
        --netrc --no-netrc --netrc-file --header --proxy --ip-version
        --user-agent --connect-timeout --stall-timeout --max-time --retries
        --json)
    local weak=(--allow-md5 --no-allow-md5)
    local image=(--arch --strict-size --no-strict-size "${weak[@]}"
        --connections --limit-rate --wait)
    local keys=(-d --dir --unpack --no-unpack --unpack-max "${image[@]}"
        --store --keep-days)
    local jobs=(-j --jobs) list=(-f --file)
    local file=(-o --output -F --force --progress-fd)
    local mirror=(--add --base-url --prune)
    case $command in
        '')
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${keys[@]}" \
                "${jobs[@]}" "${list[@]}" "${file[@]}" -V --version
            ;;
        pull)
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${keys[@]}" \
                "${jobs[@]}" "${list[@]}" "${file[@]}"
            ;;
        resolve)
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${jobs[@]}" \
                "${list[@]}"
            ;;
        tags | manifest) _spull_offer "$1" "${all[@]}" "${session[@]}" ;;
        verify)
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${weak[@]}" --ref
            ;;
        mirror)
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${image[@]}" \
                --keep-days "${jobs[@]}" "${list[@]}" "${mirror[@]}"
            ;;
        check)
            # Its registry is an operand.
            _spull_offer "$1" "${all[@]}" "${session[@]:2}" "${jobs[@]}" \
                --deep --no-blobs --strict
            ;;
        config)
            _spull_offer "$1" "${all[@]}" "${session[@]}" "${keys[@]}" \
                "${jobs[@]}" --registries
            ;;
        store)
            _spull_offer "$1" "${all[@]}" --json --store --keep-days \
                --older-than
            ;;
        help) _spull_offer "$1" "${all[@]}" --dump ;;
    esac
}

_spull_registries() {
    local names
    mapfile -t names < <("$spull" config --registries 2>/dev/null)
    _spull_offer "$1" "${names[@]}"
    compopt -o plusdirs
}

_spull_value() {
    case $option in
        -r | --registry) _spull_registries "$1" ;;
        -d | --dir | --ca-dir | --store) compopt -o dirnames ;;
        -f | --file | -o | --output | --ca-file | --client-cert | \
            --client-key | --netrc-file) compopt -o default ;;
        --add) [[ $cur != *=* ]] || compopt -o default ;;
        --ip-version) _spull_offer "$1" 4 6 ;;
        --proxy) _spull_offer "$1" none ;;
        --wait) _spull_offer "$1" forever ;;
        --ref) [[ $cur != */*:* ]] || _spull_tags "$1" ;;
        --arch)
            _spull_offer "$1" 386 amd64 arm arm64 ppc64 ppc64le mips mipsle \
                mips64 mips64le s390x riscv64 loong64
            ;;
    esac
}

# The tags of COLLECTION/NAME, from the registry: soon, or not at all.
_spull_tags() {
    local tag container=${cur%:*} head=''
    [[ ${container##*/} != *@* ]] || return
    [[ $1 != *:* ]] || head=${1%:*}:
    while IFS= read -r tag; do
        _spull_offer "$1" "$head$tag"
    done < <(
        "$spull" tags -q "${ask[@]}" --max-time 3 --retries 0 \
            -- "$container" 2>/dev/null
    )
}

_spull() {
    local command operands ended option cur words ask spull
    _spull_words
    spull=${words[0]} cur=${words[${#words[@]} - 1]}
    _spull_look
    COMPREPLY=()
    if [[ -n $option ]]; then
        _spull_value "$2"
    elif [[ $cur == -* && -z $ended ]]; then
        _spull_options "$2"
    elif [[ $command == help || -z $command$ended && $cur != */* ]]; then
        _spull_offer "$2" pull tags manifest resolve verify mirror check store \
            config help
    elif [[ $command == verify ]]; then
        compopt -o default
    elif [[ $command == mirror && $operands -eq 0 ]]; then
        compopt -o dirnames
    elif [[ $command == check ]]; then
        _spull_registries "$2"
    elif [[ $command == store ]]; then
        _spull_offer "$2" prune verify
    elif [[ $cur == */* && ${cur##*/} == *:* ]]; then
        case $command in
            '' | pull | manifest | resolve | mirror) _spull_tags "$2" ;;
        esac
    fi
} && complete -F _spull spull
