# Completion for every ehr program.  Verbs, options and their values come from its own --help.
function __ehr_words
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l last $words[-1]
    set -l help ($words[1] --help 2>/dev/null)
    set -l verbs (printf '%s\n' $help | sed -nE '/^verbs/,$s/^  ([a-z-]+) .*/\1/p')

    if test (count $words) -eq 1; and count $verbs >/dev/null; and not string match -q -- '-*' $word
        printf '%s\n' $verbs
        return
    end
    if set -q words[2]; and contains -- $words[2] $verbs
        set help ($words[1] $words[2] --help 2>/dev/null)
    end
    set -l choices (printf '%s\n' $help | sed -nE "s/^ +(-[A-Za-z], )?$last ([a-z]+(\|[a-z]+)+)( .*)?/\2/p")
    if contains -- $last --level --levels
        set -l folder (dirname (type -p $words[1]))
        for script in $folder/../share/ehr/completions/levels $folder/../../../share/completions/levels
            test -x $script; and $script $words
        end
    else if count $choices >/dev/null
        string split '|' -- $choices
    else if string match -q -- '-*' $word
        printf '%s\n' $help | grep -oE -e '--[a-z-]+' | sort -u
    else
        __fish_complete_path $word
    end
end
for program in (complete -C ehr- | string match -r '^ehr-[a-z]+')
    complete -c $program -f -a '(__ehr_words)'
end
