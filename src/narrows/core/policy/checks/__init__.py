"""The rules of the check of a policy, by what they are about; each rule is one function."""
