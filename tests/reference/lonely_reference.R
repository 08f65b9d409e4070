# svymean, svytotal and svyglm on a small invented sample with strata of one PSU, under each survey.lonely.psu.
#
#   Rscript lonely_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23. Input: make_design_input.py.
#
# What the numbers show (survey:::onestrat, survey:::onestage):
#   certainty   a lonely stratum adds nothing
#   adjust      it adds the square of its total about the mean total of all PSUs, as survey 4.5 does; see
#               adjust_as_survey_4_5 in common.R. Influence values of means and regressions add up to zero, which is
#               therefore their mean, and 4.1.1 alone gives them too; a total moves
#   average     the sum over the other strata is multiplied by strata / strata with several PSUs, both counted among the
#               strata that have rows in the domain: less_stratum loses one of several, not_lonely the lonely ones

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))
adjust_as_survey_4_5()

POLICIES <- c("certainty", "adjust", "average")
CUT_STRATA <- list(one = 1, two = c(1, 5))
DOMAINS <- list(part = function(people) people$in_part == 1,
                less_stratum = function(people) people$in_part_less_stratum == 1,
                not_lonely = function(people) people$in_part == 1 & !people$strata %in% c(1, 5))

mean_rows <- function(id, statistic, found) {
  data.frame(study_id = id, statistic, variable = names(coef(found)), estimate = unname(coef(found)),
             std_error = unname(SE(found)))
}

lonely_reference <- function(cut, domain_id, policy, people) {
  id <- paste(cut, domain_id, policy, sep = "-")
  options(survey.lonely.psu = policy)
  people <- subset(people, !(strata %in% CUT_STRATA[[cut]] & psu == 2))
  knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
  spline <- spline_columns(people$x, knots, "x")
  frame <- data.frame(people[c("strata", "psu", "w", "y", "z")], spline)
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)
  domain <- subset(design, DOMAINS[[domain_id]](people))
  fit <- suppressWarnings(fit_domain(domain, "y", c(colnames(spline), "z")))
  list(knots = data.frame(study_id = id, index = seq_along(knots), knot = knots),
       means = rbind(mean_rows(id, "mean", svymean(~y + z, domain)),
                     mean_rows(id, "total", svytotal(~y + z, domain))),
       fits = fit_rows(id, fit), vcov = vcov_rows(id, fit))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript lonely_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- read.csv(arguments[1])
  studies <- expand.grid(policy = POLICIES, domain = names(DOMAINS), cut = names(CUT_STRATA), stringsAsFactors = FALSE)
  results <- Map(lonely_reference, studies$cut, studies$domain, studies$policy, MoreArgs = list(people = people))
  write_tables(unname(results), arguments[2])
  write_versions(arguments[2], c("survey", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
