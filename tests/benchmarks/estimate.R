# What a study needs in R and no more: read, declare, fit with its covariance, and test by Wald that the curve is flat
# and that it is straight.
#
#   Rscript estimate.R MODEL_CSV
#
# MODEL_CSV holds y, strata, psu, w, inside and the columns of the model, x1 to x3 those of the exposure.
suppressPackageStartupMessages(library(survey))
data <- read.csv(commandArgs(trailingOnly = TRUE)[1])
domain <- subset(svydesign(ids = ~psu, strata = ~strata, weights = ~w, data = data, nest = TRUE), inside == 1)
terms <- grep("^x", names(data), value = TRUE)
fit <- svyglm(reformulate(terms, "y"), design = domain, family = quasibinomial())
print(summary(fit))
print(regTermTest(fit, ~ x1 + x2 + x3, method = "Wald"))
print(regTermTest(fit, ~ x2 + x3, method = "Wald"))
